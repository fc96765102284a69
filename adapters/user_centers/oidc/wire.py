"""The center's documents, pure: metadata, token answer, ID token claims and userinfo are read and checked
here.

OpenID Connect Core 1.0 §3.1, Discovery 1.0 §4, RFC 7636, RFC 9207. A check that fails raises
MalformedDocument with a message that repeats nothing of the document.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from adapters.json_documents import parse_json_object
from foundation.strict_json import MalformedJson

_LONGEST_TOKEN = 16_384
_SUBJECT = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?", re.ASCII)
# What broken exporters write when they have no subject: as identity keys they would join strangers.
_NOT_A_SUBJECT = frozenset({"null", "none", "nil", "undefined", "nan", "0", "-1", "true", "false"})
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


class MalformedDocument(ValueError):
    """A document of the center breaks its form or fails a check."""


@dataclass(frozen=True, slots=True)
class CenterMetadata:
    """The parts of the metadata that are used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    iss_in_answers: bool


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """Both tokens of a code exchange, unverified."""

    access_token: str = field(repr=False)
    id_token: str = field(repr=False)


def parse_metadata(body: bytes, *, issuer: str) -> CenterMetadata:
    """Read provider metadata; the issuer must equal the configured one in every character (Discovery
    §4.3).
    """
    document = _object(body)
    if document.get("issuer") != issuer:
        raise MalformedDocument("the metadata names another issuer")
    plain_allowed = urlsplit(issuer).scheme == "http"

    def endpoint(member: str) -> str:
        url = document.get(member)
        if not isinstance(url, str) or len(url) > 2_048 or any(character <= " " for character in url):
            raise MalformedDocument(f"{member} is missing")
        scheme = urlsplit(url).scheme
        if scheme != "https" and not (scheme == "http" and plain_allowed):
            raise MalformedDocument(f"{member} is not an https address")
        return url

    return CenterMetadata(
        issuer=issuer,
        authorization_endpoint=endpoint("authorization_endpoint"),
        token_endpoint=endpoint("token_endpoint"),
        userinfo_endpoint=endpoint("userinfo_endpoint"),
        jwks_uri=endpoint("jwks_uri"),
        iss_in_answers=document.get("authorization_response_iss_parameter_supported") is True,
    )


def render_authorization_url(
    metadata: CenterMetadata,
    *,
    client_id: str,
    redirect_uri: str,
    scopes: tuple[str, ...],
    state: str,
    nonce: str,
    code_verifier: str,
) -> str:
    """Return the address to which the browser is sent: code flow with PKCE S256 and nonce."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode("ascii")).digest()).rstrip(b"=")
    query = urlencode(
        {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge.decode("ascii"),
            "code_challenge_method": "S256",
        },
        quote_via=quote,
    )
    joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
    return f"{metadata.authorization_endpoint}{joint}{query}"


def check_answer_issuer(callback: Mapping[str, str], metadata: CenterMetadata) -> None:
    """RFC 9207 §2.4: `iss` of the browser's return is the center's issuer; required where the center promises
    it.
    """
    issuer = callback.get("iss")
    if issuer is None and metadata.iss_in_answers:
        raise MalformedDocument("iss is missing in the browser's return")
    if issuer is not None and issuer != metadata.issuer:
        raise MalformedDocument("iss in the browser's return is another issuer")


def parse_token_answer(body: bytes) -> TokenAnswer:
    """Read a successful token answer (RFC 6749 §5.1, Core §3.1.3.3)."""
    document = _object(body)
    token_type = document.get("token_type")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise MalformedDocument("token_type is not Bearer")
    tokens = [document.get(member) for member in ("access_token", "id_token")]
    if not all(isinstance(token, str) and 0 < len(token) <= _LONGEST_TOKEN for token in tokens):
        raise MalformedDocument("access_token or id_token is missing")
    return TokenAnswer(access_token=str(tokens[0]), id_token=str(tokens[1]))


def parse_error_code(body: bytes) -> str:
    """Return the `error` of an OAuth error answer, or an empty text when there is none to read."""
    try:
        code = parse_json_object(body).get("error")
    except MalformedJson:
        return ""
    return code if isinstance(code, str) and re.fullmatch(r"[a-z_]{1,40}", code, re.ASCII) else ""


def read_id_token_claims(payload: bytes) -> Mapping[str, Any]:
    """Read the payload of an ID token whose signature has been verified."""
    return _object(payload)


def check_id_token_claims(
    claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: datetime, leeway: timedelta
) -> None:
    """Core §3.1.3.7: issuer, audience, authorized party, times, nonce and subject, in that order."""
    if claims.get("iss") != issuer:
        raise MalformedDocument("iss of the ID token is another issuer")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if client_id not in audiences:
        raise MalformedDocument("the ID token is for another client")
    if len(audiences) > 1 and claims.get("azp") is None:
        raise MalformedDocument("azp is missing beside several audiences")
    if claims.get("azp") not in (None, client_id):
        raise MalformedDocument("azp of the ID token is another client")
    expires_at, issued_at = _numeric_date(claims, "exp"), _numeric_date(claims, "iat")
    if expires_at + leeway.total_seconds() <= now.timestamp():
        raise MalformedDocument("the ID token has expired")
    if issued_at - leeway.total_seconds() > now.timestamp():
        raise MalformedDocument("the ID token was issued in the future")
    if "nbf" in claims and _numeric_date(claims, "nbf") - leeway.total_seconds() > now.timestamp():
        raise MalformedDocument("the ID token is not valid yet")
    if not nonce or claims.get("nonce") != nonce:
        raise MalformedDocument("nonce of the ID token is not ours")
    check_subject(claims.get("sub"))


def check_subject(subject: object) -> str:
    """Return a usable subject: 1 to 255 printable ASCII characters that are not a way of writing
    "nothing".
    """
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise MalformedDocument("sub is not a text of 1 to 255 printable ASCII characters")
    if subject.lower() in _NOT_A_SUBJECT:
        raise MalformedDocument("sub stands for nothing")
    return subject


def check_access_token_hash(claims: Mapping[str, Any], access_token: str, algorithm: str) -> None:
    """Core §3.1.3.8: a present `at_hash` is the left half of the access token's hash, by the algorithm's
    hash.
    """
    if "at_hash" not in claims:
        return
    hash_function = hashlib.sha512 if algorithm.startswith("Ed") else _HASHES[algorithm[-3:]]
    digest = hash_function(access_token.encode("ascii", "replace")).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")
    if claims["at_hash"] != half:
        raise MalformedDocument("at_hash does not belong to the access token")


def parse_userinfo(body: bytes, *, subject: str) -> Mapping[str, Any]:
    """Read userinfo; its `sub` must be present and equal to the ID token's (Core §5.3.2)."""
    document = _object(body)
    if document.get("sub") != subject:
        raise MalformedDocument("userinfo is about another subject")
    return document


def parse_key_set(body: bytes) -> list[dict[str, Any]]:
    """Return the public signature keys of a JWK Set; keys for other uses and symmetric keys are left out."""
    keys = _object(body).get("keys")
    if not isinstance(keys, list) or len(keys) > 100:
        raise MalformedDocument("keys is missing")
    return [
        key
        for key in keys
        if isinstance(key, dict) and key.get("kty") in ("EC", "RSA", "OKP") and key.get("use") in (None, "sig")
    ]


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        return parse_json_object(body)
    except MalformedJson as error:
        raise MalformedDocument(str(error)) from error


def _numeric_date(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 253_402_300_800:
        raise MalformedDocument(f"{name} is not a NumericDate")
    return float(value)
