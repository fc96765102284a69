"""The OpenID Connect side of a sample app: authorization request, code exchange, and verification of ID
and logout tokens.

Core §3.1.3.7 for the ID token, Back-Channel Logout 1.0 §2.6 for the logout token. The keys are the
published ones, read again when a token names a key that is not known.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from adapters.simulators.world_entries import ServiceApp
from foundation.clock import Clock

_ALGORITHMS = ["ES256", "RS256", "PS256", "Ed25519", "EdDSA"]
_LEEWAY_S = 10
_LONGEST_LOGOUT_TOKEN_AGE_S = 300
_KEYS_PAUSE_S = 5.0
_TIMEOUT = httpx2.Timeout(10.0)

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class SignInRejected(Exception):
    """The provider's answer failed a check; the text says which."""


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """What the app remembers between sending the browser away and its return."""

    state: str
    nonce: str
    code_verifier: str


@dataclass(frozen=True, slots=True)
class SignedInPerson:
    """A verified sign-in: ID token claims, userinfo, and the ID token for the sign-out hint."""

    claims: Mapping[str, Any]
    userinfo: Mapping[str, Any]
    id_token: str


@dataclass(frozen=True, slots=True)
class LogoutOrder:
    """Whom a verified logout token ends: a session, or every session of a subject."""

    sid: str | None
    sub: str | None


class RelyingParty:
    """One registered client of the product."""

    def __init__(self, app: ServiceApp, issuer: str, clock: Clock) -> None:
        self.app = app
        self.issuer = issuer
        self.redirect_uri = f"{app.base_url}/callback"
        self._clock = clock
        self._metadata: Mapping[str, Any] | None = None
        self._keys: dict[str, Key] = {}
        self._keys_read = float("-inf")
        self._seen_logout_tokens: dict[str, float] = {}

    async def metadata(self) -> Mapping[str, Any]:
        """Return the provider's metadata; its issuer must be the configured one."""
        if self._metadata is None:
            document = await self._get_json(f"{self.issuer}/.well-known/openid-configuration")
            if document.get("issuer") != self.issuer:
                raise SignInRejected("the metadata names another issuer")
            self._metadata = document
        return self._metadata

    async def begin(self) -> tuple[str, PendingSignIn]:
        """Return the authorization URL (code, PKCE S256, state, nonce) and what to remember."""
        pending = PendingSignIn(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        async with self._client(scope=" ".join(self.app.scopes)) as client:
            url, _ = client.create_authorization_url(
                (await self.metadata())["authorization_endpoint"],
                state=pending.state,
                nonce=pending.nonce,
                code_verifier=pending.code_verifier,
            )
        return url, pending

    async def finish(self, callback: Mapping[str, str], pending: PendingSignIn) -> SignedInPerson:
        """Redeem the code and verify what came; raises SignInRejected."""
        if not secrets.compare_digest(callback.get("state", ""), pending.state):
            raise SignInRejected("state does not belong to this browser")
        if callback.get("iss") != self.issuer:
            raise SignInRejected("iss is not the provider")
        if "error" in callback:
            raise SignInRejected(callback["error"])
        metadata = await self.metadata()
        async with self._client(redirect_uri=self.redirect_uri) as client:
            tokens = await client.fetch_token(
                metadata["token_endpoint"],
                grant_type="authorization_code",
                code=callback.get("code", ""),
                code_verifier=pending.code_verifier,
            )
        claims = await self._verify(str(tokens["id_token"]))
        if claims.get("nonce") != pending.nonce:
            raise SignInRejected("nonce is not ours")
        userinfo = await self._get_json(
            metadata["userinfo_endpoint"], headers={"Authorization": f"Bearer {tokens['access_token']}"}
        )
        if userinfo.get("sub") != claims["sub"]:
            raise SignInRejected("userinfo is about another subject")
        return SignedInPerson(claims, userinfo, str(tokens["id_token"]))

    async def client_token(self, *, scope: str, resource: str) -> str:
        """Return an access token for the app itself (client_credentials) for one resource (RFC 8707)."""
        metadata = await self.metadata()
        async with self._client(scope=scope) as client:
            tokens = await client.fetch_token(
                metadata["token_endpoint"], grant_type="client_credentials", scope=scope, resource=resource
            )
        return str(tokens["access_token"])

    async def check_logout_token(self, token: str) -> LogoutOrder:
        """Back-Channel Logout §2.6: signature, issuer, audience, times, event, no nonce, `jti` once;
        raises SignInRejected.
        """
        claims = await self._verify(token, kind="logout+jwt")
        now = self._clock().timestamp()
        if claims.get("iat", 0) < now - _LONGEST_LOGOUT_TOKEN_AGE_S:
            raise SignInRejected("the logout token is old")
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
            raise SignInRejected("the logout event is missing")
        if "nonce" in claims:
            raise SignInRejected("a logout token must not carry a nonce")
        sid, sub, identifier = claims.get("sid"), claims.get("sub"), claims.get("jti")
        if not isinstance(identifier, str) or not (isinstance(sid, str) or isinstance(sub, str)):
            raise SignInRejected("jti, or both sid and sub, are missing")
        self._seen_logout_tokens = {seen: until for seen, until in self._seen_logout_tokens.items() if until > now}
        if identifier in self._seen_logout_tokens:
            raise SignInRejected("the logout token was used before")
        self._seen_logout_tokens[identifier] = now + 2 * _LONGEST_LOGOUT_TOKEN_AGE_S
        return LogoutOrder(sid if isinstance(sid, str) else None, sub if isinstance(sub, str) else None)

    async def _verify(self, token: str, kind: str = "JWT") -> Mapping[str, Any]:
        """Verify signature, issuer, audience and times of a token from the provider."""
        try:
            key = await self._key_of(token)
            decoded = jwt.decode(token, key, algorithms=_ALGORITHMS)
        except (JoseError, ValueError, UnicodeError) as error:
            raise SignInRejected(f"the signature does not verify ({type(error).__name__})") from error
        if str(decoded.header.get("typ", kind)).lower() != kind.lower():
            raise SignInRejected("typ is not what was expected")
        claims, now = decoded.claims, self._clock().timestamp()
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != self.issuer or self.app.client_id not in audiences:
            raise SignInRejected("issuer or audience is another")
        if not isinstance(claims.get("exp"), int) or claims["exp"] <= now - _LEEWAY_S:
            raise SignInRejected("expired")
        if not isinstance(claims.get("iat"), int) or claims["iat"] > now + _LEEWAY_S:
            raise SignInRejected("issued in the future")
        return claims

    async def _key_of(self, token: str) -> Key:
        kid = _header_of(token).get("kid")
        if kid not in self._keys and time.monotonic() - self._keys_read > _KEYS_PAUSE_S:
            self._keys_read = time.monotonic()
            published = await self._get_json((await self.metadata())["jwks_uri"])
            self._keys = {str(members.get("kid")): JWKRegistry.import_key(members) for members in published["keys"]}
        if kid not in self._keys:
            raise SignInRejected("the provider has published no such key")
        return self._keys[str(kid)]

    def _client(self, **options: str) -> Any:
        return AsyncOAuth2Client(
            client_id=self.app.client_id,
            client_secret=self.app.client_secret,
            token_endpoint_auth_method="client_secret_basic",
            code_challenge_method="S256",
            **{"redirect_uri": self.redirect_uri, **options},
            trust_env=False,
            timeout=_TIMEOUT,
        )

    async def _get_json(self, url: str, headers: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        async with httpx2.AsyncClient(trust_env=False, timeout=_TIMEOUT) as client:
            answer = await client.get(url, headers=headers)
        if answer.status_code != 200:
            raise SignInRejected(f"HTTP {answer.status_code} from the provider")
        document: Mapping[str, Any] = answer.json()
        return document


def _header_of(token: str) -> Mapping[str, Any]:
    """Return the unverified header of a compact JWS; raises a ValueError for anything else."""
    return jws.extract_compact(token.encode("ascii")).protected
