"""Every door of the running product that takes a JWT, each with a sound one: what area G of the attack cases is tried on.

A door knows how a sound token is made, how it is shown, what an acceptance looks like and what a refusal must look like.
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import httpx2
from cryptography.hazmat.primitives.serialization import load_der_private_key
from joserfc.jwk import ECKey

from foundation.signing.store import SEALING_CONTEXT, list_signing_keys
from gateway.composition import Parts
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.clients.policies import CIBA, DEVICE_CODE
from idp.provider.proof.client_assertions import ASSERTION_TYPE
from idp.provider.registration.register import ClientRegistration, register_client
from idp.provider.resources.audiences import license_audience, userinfo_audience
from idp.provider.scopes import LICENSE_LOOKUP
from tests.faults.expectations import await_status
from tests.faults.nodes import Town
from tests.faults.operator import ACTOR, third_process
from tests.faults.population import CALLBACK, RESOURCE
from tests.faults.visitor import CALLBACKS, LOOKUP, Doors, Visitor, lookup_body, remember
from tests.idp.provider.signed_requests import EC_KEY, JWKS, encoded, sign

Kind = Literal["assertion", "request", "hint token", "id token hint", "access token", "proof"]
SIGNER = "probe-signer"
OWN_TYPES: Mapping[Kind, frozenset[str]] = {
    "assertion": frozenset({"JWT", "jwt", "client-authentication+jwt"}),
    "request": frozenset({"JWT", "jwt", "oauth-authz-req+jwt", "application/oauth-authz-req+jwt"}),
    "hint token": frozenset({"JWT", "jwt", "oauth-authz-req+jwt", "application/oauth-authz-req+jwt"}),
    "id token hint": frozenset({"JWT"}),
    "access token": frozenset({"at+jwt"}),
    "proof": frozenset({"dpop+jwt"}),
}
"""The header types that each kind of JWT may have."""


@dataclass
class Stage:
    """An app that signs, somebody who is signed in to it, and the provider's own key, as a thief of it would hold it."""

    town: Town
    doors: Doors
    person: Visitor
    provider_key: ECKey
    canary: str
    """An address at which nobody may ever ask."""
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """The issuer identifier."""
        return self.town.issuer

    def now(self) -> int:
        """Seconds since the epoch, by the clock that the nodes use."""
        return int(time.time())

    def key_of(self, kind: Kind) -> ECKey:
        """Return the key that rightly signs this kind of JWT."""
        return self.provider_key if kind in ("access token", "id token hint") else EC_KEY

    def assertion(self) -> str:
        """Return a client assertion."""
        at = self.now()
        claims = {"iss": SIGNER, "sub": SIGNER, "aud": self.issuer, "iat": at, "exp": at + 120}
        return sign({**claims, "jti": secrets.token_hex(8)}, typ="JWT")

    def request_object(self, **parameters: str) -> str:
        """Return a request object with these parameters inside."""
        at = self.now()
        claims = {"iss": SIGNER, "aud": self.issuer, "iat": at, "nbf": at, "exp": at + 120}
        return sign({**claims, "jti": secrets.token_hex(8), **parameters})

    def proof(self, method: str, path: str, access_token: str | None = None) -> str:
        """Return a DPoP proof."""
        claims: dict[str, Any] = {"htm": method, "htu": self.issuer + path, "iat": self.now()}
        if access_token is not None:
            claims["ath"] = encoded(hashlib.sha256(access_token.encode()).digest())
        header: dict[str, Any] = {"typ": "dpop+jwt", "kid": None, "jwk": EC_KEY.as_dict(private=False)}
        return sign({**claims, "jti": secrets.token_hex(8)}, **header)

    async def ask(self, path: str, *, headers: Mapping[str, str] | None = None, **form: str) -> httpx2.Response:
        """Post to a back-channel endpoint as the app, proved by a fresh assertion unless the form brings one."""
        proved = {"client_assertion": self.assertion(), "client_assertion_type": ASSERTION_TYPE}
        answer = await self.doors.send("POST", path, headers=headers, form={**proved, **form})
        return remember(answer) if answer.content else answer


@dataclass(frozen=True)
class Door:
    """One consumer of one kind of JWT."""

    kind: Kind
    make: Callable[[Stage], str]
    show: Callable[[Stage, str], Awaitable[httpx2.Response]]
    outcome: Callable[[httpx2.Response], str]
    taken: str
    refused: frozenset[str]
    on_record: bool = True


def told(answer: httpx2.Response) -> str:
    """Return what an answer comes to: the error of a redirect or of JSON, or its status."""
    location = answer.headers.get("location")
    if location is not None:
        query = parse_qs(urlsplit(location).query)
        return query["error"][0] if "error" in query else f"{answer.status_code}"
    if "json" in answer.headers.get("content-type", ""):
        body = answer.json()
        if body == {"active": False}:
            return "inactive"
        return str(body.get("error", answer.status_code))
    return str(answer.status_code)


def challenged(answer: httpx2.Response) -> str:
    """Return the error of a resource's challenge, or the status of an answer without one."""
    challenge = answer.headers.get("www-authenticate", "")
    return challenge.partition('error="')[2].partition('"')[0] or str(answer.status_code)


def at_logout(answer: httpx2.Response) -> str:
    """Return `asked` for the confirmation page, `signed out` for what ends a session unasked."""
    return "asked" if answer.status_code == 200 and 'name="decision"' in answer.text else "signed out"


_AUTHORIZATION: dict[str, Any] = {
    "response_type": "code",
    "client_id": SIGNER,
    "redirect_uri": CALLBACK,
    "scope": "openid",
    "state": "s",
    "nonce": "n",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}
_OWN: dict[str, Any] = {"grant_type": "client_credentials", "scope": LICENSE_LOOKUP}
_EARLY = {"414", "431"}
"""Refused for their size before anybody reads them."""


def _with_assertion(path: str, taken: str, **form: Any) -> Door:
    async def show(stage: Stage, token: str) -> httpx2.Response:
        return await stage.ask(path, client_assertion=token, **form)

    return Door("assertion", Stage.assertion, show, told, taken, frozenset({"invalid_client"}))


async def _request_by_value(stage: Stage, token: str) -> httpx2.Response:
    outside: dict[str, Any] = {"client_id": SIGNER, "redirect_uri": CALLBACK, "response_type": "code", "state": "s"}
    return await stage.person.get("/oauth/authorize", **outside, request=token)


async def _pushed_request(stage: Stage, token: str) -> httpx2.Response:
    return await stage.ask("/oauth/par", request=token)


async def _ciba_request(stage: Stage, token: str) -> httpx2.Response:
    return await stage.ask("/oauth/ciba", request=token)


def _hint_token(stage: Stage) -> str:
    at = stage.now()
    subject = {"format": "opaque", "id": f"nobody{secrets.token_hex(3)}"}
    return sign({"iss": SIGNER, "aud": stage.issuer, "iat": at, "exp": at + 120, "sub_id": subject})


async def _show_hint_token(stage: Stage, token: str) -> httpx2.Response:
    return await stage.ask("/oauth/ciba", scope="openid", login_hint_token=token)


async def _hint_at_authorize(stage: Stage, token: str) -> httpx2.Response:
    parameters: dict[str, Any] = {**_AUTHORIZATION, "prompt": "none", "id_token_hint": token}
    return await stage.person.get("/oauth/authorize", **parameters)


async def _hint_at_logout(stage: Stage, token: str) -> httpx2.Response:
    return await stage.person.post("/oauth/logout", {"id_token_hint": token, "csrf_token": ""})


async def _hint_at_ciba(stage: Stage, token: str) -> httpx2.Response:
    return await stage.ask("/oauth/ciba", scope="openid", id_token_hint=token)


async def _bearer_at_userinfo(stage: Stage, token: str) -> httpx2.Response:
    return await stage.doors.userinfo(token)


async def _bearer_at_licenses(stage: Stage, token: str) -> httpx2.Response:
    return await stage.doors.look_up(token)


async def _introspected(stage: Stage, token: str) -> httpx2.Response:
    return await stage.doors.back_channel("/oauth/introspect", RESOURCE, token=token)


async def _proof_at_token(stage: Stage, token: str) -> httpx2.Response:
    return await stage.ask("/oauth/token", headers={"DPoP": token}, **_OWN)


async def _proof_at_par(stage: Stage, token: str) -> httpx2.Response:
    return await stage.ask("/oauth/par", headers={"DPoP": token}, **_AUTHORIZATION)


async def _proof_at_userinfo(stage: Stage, token: str) -> httpx2.Response:
    headers = {"Authorization": f"DPoP {stage.tokens['bound']}", "DPoP": token}
    return await stage.doors.send("GET", "/oauth/userinfo", headers=headers)


async def _proof_at_licenses(stage: Stage, token: str) -> httpx2.Response:
    headers = {"Authorization": f"DPoP {stage.tokens['own bound']}", "DPoP": token, "Content-Type": "application/json"}
    return await stage.doors.send("POST", LOOKUP, headers=headers, content=json.dumps(lookup_body(stage.town)).encode())


def _proof(method: str, path: str, name: str | None = None) -> Callable[[Stage], str]:
    return lambda stage: stage.proof(method, path, None if name is None else stage.tokens[name])


_TOKEN_REFUSED, _PROOF_REFUSED = frozenset({"invalid_token"} | _EARLY), frozenset({"invalid_dpop_proof"} | _EARLY)
_REQUEST_REFUSED = frozenset({"invalid_request_object", "invalid_request"} | _EARLY)
DOORS: dict[str, Door] = {
    "assertion at token": _with_assertion("/oauth/token", "200", **_OWN),
    "assertion at PAR": _with_assertion("/oauth/par", "201", **_AUTHORIZATION),
    "assertion at introspection": _with_assertion("/oauth/introspect", "inactive", token="unknown"),
    "assertion at revocation": _with_assertion("/oauth/revoke", "200", token="unknown"),
    "assertion at device": _with_assertion("/oauth/device_authorization", "200", scope="openid"),
    "assertion at CIBA": _with_assertion("/oauth/ciba", "unknown_user_id", scope="openid", login_hint="@"),
    "request at authorize": Door(
        "request",
        lambda stage: stage.request_object(**_AUTHORIZATION),
        _request_by_value,
        told,
        "303",
        _REQUEST_REFUSED | {"400"},
    ),
    "request at PAR": Door(
        "request", lambda stage: stage.request_object(**_AUTHORIZATION), _pushed_request, told, "201", _REQUEST_REFUSED
    ),
    "request at CIBA": Door(
        "request",
        lambda stage: stage.request_object(scope="openid", login_hint="@"),
        _ciba_request,
        told,
        "unknown_user_id",
        _REQUEST_REFUSED,
    ),
    "hint token at CIBA": Door(
        "hint token",
        _hint_token,
        _show_hint_token,
        told,
        "200",
        frozenset({"unknown_user_id", "invalid_request", "expired_login_hint_token"}),
    ),
    "hint at authorize": Door(
        "id token hint",
        lambda stage: stage.tokens["id"],
        _hint_at_authorize,
        told,
        "303",
        frozenset({"invalid_request", "400"} | _EARLY),
    ),
    "hint at logout": Door(
        "id token hint",
        lambda stage: stage.tokens["id"],
        _hint_at_logout,
        at_logout,
        "signed out",
        frozenset({"asked"}),
        on_record=False,
    ),
    "hint at CIBA": Door(
        "id token hint",
        lambda stage: stage.tokens["id"],
        _hint_at_ciba,
        told,
        "200",
        frozenset({"unknown_user_id", "invalid_request"}),
    ),
    "access token at userinfo": Door(
        "access token", lambda stage: stage.tokens["access"], _bearer_at_userinfo, challenged, "200", _TOKEN_REFUSED
    ),
    "access token at license API": Door(
        "access token", lambda stage: stage.tokens["own"], _bearer_at_licenses, challenged, "200", _TOKEN_REFUSED
    ),
    "access token at introspection": Door(
        "access token",
        lambda stage: stage.tokens["own"],
        _introspected,
        told,
        "200",
        frozenset({"inactive", "invalid_request"}),
        on_record=False,
    ),
    "proof at token": Door("proof", _proof("POST", "/oauth/token"), _proof_at_token, told, "200", _PROOF_REFUSED),
    "proof at PAR": Door("proof", _proof("POST", "/oauth/par"), _proof_at_par, told, "201", _PROOF_REFUSED),
    "proof at userinfo": Door(
        "proof", _proof("GET", "/oauth/userinfo", "bound"), _proof_at_userinfo, challenged, "200", _PROOF_REFUSED
    ),
    "proof at license API": Door(
        "proof", _proof("POST", LOOKUP, "own bound"), _proof_at_licenses, challenged, "200", _PROOF_REFUSED
    ),
}
"""`taken` is what a sound JWT leads to there."""


async def open_stage(town: Town, doors: Doors, canary: str) -> Stage:
    """Register the app, sign somebody in and get the tokens that the doors are tried with."""
    async with third_process(town) as parts:
        if parts.provider.clients.find(SIGNER) is None:
            await _register(parts)
        provider_key = await _provider_key(parts)
    CALLBACKS[SIGNER] = CALLBACK
    person = Visitor(doors)
    await person.sign_in(town.population.citizens[2])
    stage = Stage(town, doors, person, provider_key, canary)
    await await_status(lambda: stage.ask("/oauth/introspect", token="unknown"), 200, within=10.0)
    stage.tokens = {
        "own": (await stage.ask("/oauth/token", **_OWN)).json()["access_token"],
        "own bound": (
            await stage.ask("/oauth/token", headers={"DPoP": stage.proof("POST", "/oauth/token")}, **_OWN)
        ).json()["access_token"],
        "bound": (await _redeemed(stage, bound=True))["access_token"],
    }
    plain = await _redeemed(stage, bound=False)
    stage.tokens |= {"access": plain["access_token"], "id": plain["id_token"]}
    return stage


async def _register(parts: Parts) -> None:
    housing = await parts.directory.find_department_by_slug("housing")
    assert housing is not None
    licenses = license_audience(parts.settings.issuer)
    wanted = ClientRegistration(
        client_id=SIGNER,
        name_zh="检验签名应用",
        name_en="Probe that signs",
        department_id=housing.department_id,
        token_endpoint_auth_method="private_key_jwt",
        redirect_uris=(CALLBACK,),
        grant_types=("authorization_code", "client_credentials", DEVICE_CODE, CIBA),
        scopes=("openid", "profile", LICENSE_LOOKUP),
        resources=(licenses,),
        introspects=(licenses, userinfo_audience(parts.settings.issuer)),
        consent="exempt",
        consent_basis="LB-TEST@1",
        metadata=ClientMetadata(jwks=JWKS, backchannel_token_delivery_mode="poll"),
    )
    await register_client(
        wanted, db=parts.db, ledger=parts.ledger, entropy=parts.entropy, actor=ACTOR, now=parts.clock()
    )


async def _provider_key(parts: Parts) -> ECKey:
    """Return the provider's own signing key, opened as nobody outside can."""
    async with parts.db.read() as connection:
        stored = await list_signing_keys(connection)
    (key, sealed), *_ = [
        (key, sealed)
        for key, sealed in stored
        if key.purpose == "oidc" and key.alg == "ES256" and sealed is not None and key.active_from <= parts.clock()
    ]
    native: Any = load_der_private_key(parts.sealer.open(sealed or b"", context=f"{SEALING_CONTEXT}:{key.kid}"), None)
    return ECKey.import_key(native, {"kid": key.kid})


async def _redeemed(stage: Stage, *, bound: bool) -> dict[str, str]:
    grip = await stage.person.grip(SIGNER, scope="openid profile")
    form: dict[str, Any] = {"grant_type": "authorization_code", "code": grip.code, "redirect_uri": CALLBACK}
    headers = {"DPoP": stage.proof("POST", "/oauth/token")} if bound else None
    answer = await stage.ask("/oauth/token", headers=headers, **form, code_verifier=grip.verifier)
    assert answer.status_code == 200, answer.text
    members: dict[str, str] = answer.json()
    return members


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a compact JWT."""
    header, claims = (
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in token.split(".")[:2]
    )
    return header, claims
