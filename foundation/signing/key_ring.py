"""The keys of this process: imported once, refreshed from the database, used without I/O.

Signing and verifying touch memory alone. ``refresh`` brings in keys other nodes made and drops revoked
ones; it runs at start, on a timer and when the key topic of the change feed speaks. Tokens that verified
once are remembered by their SHA-256, and their key, times and parties are checked again each time.
"""

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, cast

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from foundation.database import Database
from foundation.problems import RenzhengError
from foundation.sealing import Sealer
from foundation.signing.claims import VerifiedClaims, admit_claims, check_parties, check_times
from foundation.signing.compact import CompactToken, UnverifiedToken, encode_base64url, parse_compact
from foundation.signing.encrypted import decrypt_with, parse_encrypted
from foundation.signing.errors import InvalidSignedToken, NoSigningKey
from foundation.signing.keys import Algorithm, Purpose, SigningKey, choose_signing_key
from foundation.signing.store import SEALING_CONTEXT, list_signing_keys
from foundation.strict_json import MalformedJson, parse_strict_json

NO_LEEWAY = timedelta()
REMEMBERED_TOKENS = 10_000
PUBLISHED_PURPOSES: tuple[Purpose, ...] = ("oidc", "encryption")

_JoseKey = ECKey | OKPKey | RSAKey
_KEY_CLASSES: dict[str, type[ECKey] | type[OKPKey] | type[RSAKey]] = {
    "EC": ECKey,
    "OKP": OKPKey,
    "RSA": RSAKey,
}


@dataclass(frozen=True, slots=True)
class _LoadedKey:
    """One key ready for use; ``private`` is None when the private half is erased or not ours to use any
    more, ``algorithm`` for a key that is encrypted to.
    """

    key: SigningKey
    algorithm: JWSAlgModel | None
    public: _JoseKey
    private: _JoseKey | None
    sign: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class _Remembered:
    kid: str
    claims: Mapping[str, Any]


class KeyRing:
    """The signing keys of one process. Empty until the first ``refresh``; safe to use from any task of one
    event loop.
    """

    def __init__(self, sealer: Sealer, *, remembered_tokens: int = REMEMBERED_TOKENS) -> None:
        self._sealer = sealer
        self._loaded: dict[str, _LoadedKey] = {}
        self._headers: dict[tuple[str, str], str] = {}
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._remembered_tokens = remembered_tokens

    async def refresh(self, db: Database) -> bool:
        """Read the keys again and return whether anything changed.

        Keys are imported once, off the loop. When the database is unavailable StorageUnavailable is raised
        and the keys already held stay in use. A sealed private half that does not open raises SealBroken: a
        node with wrong sealing keys must not run.
        """
        async with db.read() as connection:
            stored = await list_signing_keys(connection)
        loaded: dict[str, _LoadedKey] = {}
        for key, sealed in stored:
            known = self._loaded.get(key.kid)
            if known is not None and (known.private is None) == (sealed is None):
                loaded[key.kid] = replace(known, key=key)
            else:
                loaded[key.kid] = await asyncio.to_thread(_load_key, key, sealed, self._sealer)
        changed = {kid: entry.key for kid, entry in loaded.items()} != {
            kid: entry.key for kid, entry in self._loaded.items()
        }
        self._loaded = loaded
        return changed

    def keys(self) -> tuple[SigningKey, ...]:
        """Return the public halves and lives of every key held."""
        return tuple(entry.key for entry in self._loaded.values())

    def jwks(
        self, now: datetime, *, purposes: Collection[Purpose] = PUBLISHED_PURPOSES
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the RFC 7517 key set of the published keys of these purposes: public members only, newest
        first.
        """
        published = [
            entry.key for entry in self._loaded.values() if entry.key.purpose in purposes and entry.key.is_offered(now)
        ]
        published.sort(key=lambda key: (key.active_from, key.generation), reverse=True)
        return {"keys": [dict(key.public_jwk) for key in published]}

    def sign_jwt(self, claims: Mapping[str, Any], *, purpose: Purpose, alg: Algorithm, typ: str, now: datetime) -> str:
        """Sign the claims as they are and return the compact token; raises NoSigningKey.

        ``typ`` is the explicit type of RFC 8725 §3.11 (``at+jwt``, ``JWT``, ``logout+jwt``); nothing is
        added to the claims.
        """
        payload = orjson.dumps(claims)
        return self.sign_compact(payload, purpose=purpose, alg=alg, typ=typ, now=now)

    def sign_compact(self, payload: bytes, *, purpose: Purpose, alg: Algorithm, typ: str, now: datetime) -> str:
        """Sign any octets as a JWS Compact Serialization; raises NoSigningKey."""
        entry = self._signer(purpose, alg, now)
        signing_input = f"{self._header(entry.key, typ)}.{encode_base64url(payload)}"
        return f"{signing_input}.{encode_base64url(entry.sign(signing_input.encode('ascii')))}"

    def sign_octets(self, message: bytes, *, purpose: Purpose, alg: Algorithm, now: datetime) -> tuple[str, bytes]:
        """Sign a bare message (a ledger checkpoint) and return the key id and the signature; raises
        NoSigningKey.
        """
        entry = self._signer(purpose, alg, now)
        return entry.key.kid, entry.sign(message)

    def verify(
        self,
        token: UnverifiedToken | str,
        *,
        purpose: Purpose,
        algs: Collection[str],
        typ: str,
        now: datetime,
        issuer: str | None = None,
        audience: str | None = None,
        leeway: timedelta = NO_LEEWAY,
        require_exp: bool = True,
    ) -> VerifiedClaims:
        """Return the claims of a token one of our own keys of this purpose signed, or raise
        InvalidSignedToken.

        Order (RFC 8725 §3): form, algorithm against the allow-list and against the key, type, signature,
        then claims. The key is found by ``kid`` in this ring alone. Not checked: whether the token was
        revoked, its scope, its ``jti``.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest() + typ.encode("utf-8")
        remembered = self._remembered.get(digest)
        if remembered is None:
            compact = parse_compact(token)
            entry = self._verifier(compact.kid, purpose, algs, now)
            if compact.typ != typ:
                raise InvalidSignedToken("typ")
            claims = _verify_signature(compact, entry)
            self._remember(digest, _Remembered(compact.kid, claims))
        else:
            entry = self._verifier(remembered.kid, purpose, algs, now)
            claims = remembered.claims
        check_times(claims, now=now, leeway=leeway, require_exp=require_exp)
        check_parties(claims, issuer=issuer, audience=audience)
        return admit_claims(claims, kid=entry.key.kid, alg=entry.key.alg, typ=typ)

    def decrypt(self, token: str, *, algs: Collection[str], encs: Collection[str], now: datetime) -> bytes:
        """Return the plaintext of a JWE that somebody encrypted to one of our published keys, or raise
        InvalidSignedToken.

        Whoever has our public key can make such a token: the plaintext proves nothing about its sender.
        """
        encrypted = parse_encrypted(token, algs=algs, encs=encs)
        able = [
            entry.private
            for kid, entry in self._loaded.items()
            if entry.private is not None
            and entry.key.purpose == "encryption"
            and entry.key.alg == encrypted.key_alg
            and entry.key.is_published(now)
            and encrypted.kid in (None, kid)
        ]
        return decrypt_with(able, encrypted)

    def _signer(self, purpose: Purpose, alg: Algorithm, now: datetime) -> _LoadedKey:
        able: Iterable[SigningKey] = (entry.key for entry in self._loaded.values() if entry.private is not None)
        chosen = choose_signing_key(able, purpose, alg, now)
        if chosen is None:
            raise NoSigningKey(f"{purpose} {alg}")
        return self._loaded[chosen.kid]

    def _verifier(self, kid: str, purpose: Purpose, algs: Collection[str], now: datetime) -> _LoadedKey:
        entry = self._loaded.get(kid)
        if entry is None or entry.key.purpose != purpose or not entry.key.is_published(now):
            raise InvalidSignedToken("kid")
        if entry.key.alg not in algs:
            raise InvalidSignedToken("alg is not in the allow-list")
        return entry

    def _header(self, key: SigningKey, typ: str) -> str:
        cached = self._headers.get((key.kid, typ))
        if cached is None:
            header = json.dumps({"alg": key.alg, "kid": key.kid, "typ": typ}, separators=(",", ":"))
            cached = self._headers[(key.kid, typ)] = encode_base64url(header.encode("ascii"))
        return cached

    def _remember(self, digest: bytes, remembered: _Remembered) -> None:
        self._remembered[digest] = remembered
        if len(self._remembered) > self._remembered_tokens:
            self._remembered.popitem(last=False)


def _verify_signature(compact: CompactToken, entry: _LoadedKey) -> Mapping[str, Any]:
    if compact.alg != entry.key.alg:
        raise InvalidSignedToken("alg differs from the key's")
    if entry.algorithm is None or not entry.algorithm.verify(compact.signing_input, compact.signature, entry.public):
        raise InvalidSignedToken("signature")
    try:
        claims = parse_strict_json(compact.payload)
    except MalformedJson as error:
        raise InvalidSignedToken(f"payload: {error}") from None
    if not isinstance(claims, dict):
        raise InvalidSignedToken("the payload is not an object")
    return MappingProxyType(claims)


def _load_key(key: SigningKey, sealed: bytes | None, sealer: Sealer) -> _LoadedKey:
    # The algorithm object is taken from joserfc's table rather than through get_alg, which warns on the
    # name EdDSA (RFC 9864) although OpenID Connect clients still only know that name.
    algorithm = None if key.purpose == "encryption" else JWSRegistry.algorithms[key.alg]
    key_class = _KEY_CLASSES[key.public_jwk["kty"]]
    public = key_class.import_key(_key_members(key.public_jwk))
    if algorithm is not None:
        algorithm.check_key(public)
    private: _JoseKey | None = None
    sign: Callable[[bytes], bytes] = _cannot_sign
    if sealed is not None:
        octets = sealer.open(sealed, context=f"{SEALING_CONTEXT}:{key.kid}")
        try:
            native = load_der_private_key(octets, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise RenzhengError(f"signing key {key.kid}: {type(error).__name__}") from None
        private = key_class.import_key(cast(Any, native))
        if algorithm is not None:
            algorithm.check_key(private)
            sign = _way_to_sign(algorithm, private)
    return _LoadedKey(key, algorithm, public, private, sign)


def _cannot_sign(_message: bytes) -> bytes:
    raise NoSigningKey("the private half is erased, or is not for signing")


def _way_to_sign(algorithm: JWSAlgModel, private: _JoseKey) -> Callable[[bytes], bytes]:
    """Return the signing function of a key.

    joserfc checks the key's permitted operations before each signature, which for the two algorithms of the hot paths costs as much
    again as half the signature; those are asked once, here.
    """
    native = private.get_op_key("sign")
    if isinstance(native, Ed25519PrivateKey):
        return native.sign
    if isinstance(native, EllipticCurvePrivateKey) and algorithm.name == "ES256":
        return partial(_sign_es256, native, ECDSA(SHA256()))
    return lambda message: algorithm.sign(message, private)


def _sign_es256(native: EllipticCurvePrivateKey, scheme: ECDSA, message: bytes) -> bytes:
    """Sign as RFC 7518 §3.4 asks: the two 32-octet integers side by side."""
    r, s = decode_dss_signature(native.sign(message, scheme))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _key_members(jwk: Mapping[str, Any]) -> dict[str, str | list[str]]:
    return {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}
