"""An OpenID Connect center as the provider's `UserCenter`: code flow with PKCE, everything verified, nothing
trusted further.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from joserfc import jws
from joserfc.errors import JoseError

from adapters.breaker import Monotonic
from adapters.bulkhead import Bulkhead, BulkheadFull
from adapters.guarded_http import Fetched, FetchFailed, FetchTooLarge, GuardedHttp
from adapters.user_centers.oidc import wire
from adapters.user_centers.oidc.client_assertion import ClientCredential
from adapters.user_centers.oidc.documents import CenterDocuments, DocumentUnavailable
from adapters.user_centers.oidc.identity import identity_from, level_of
from adapters.user_centers.oidc.settings import OidcCenterSettings
from foundation.clock import Clock
from foundation.entropy import Entropy
from idp.ports import (
    CenterHealth,
    CenterIdentity,
    CenterMalformed,
    CenterRedirect,
    CenterRefused,
    CenterUnavailable,
)
from idp.vocabulary import RealNameLevel

_PATIENCE = timedelta(milliseconds=500)
# Errors of the browser's return by which the center says that it is out of order (RFC 6749 §4.1.2.1).
_CENTER_IS_DOWN = frozenset({"server_error", "temporarily_unavailable"})


class OidcUserCenter:
    """One upper user center. Safe for concurrent use on one event loop; see `UserCenter` for the contract."""

    def __init__(
        self,
        settings: OidcCenterSettings,
        *,
        http: GuardedHttp,
        clock: Clock,
        entropy: Entropy,
        monotonic: Monotonic,
    ) -> None:
        self.name = settings.name
        self.display_name_zh = settings.display_name_zh
        self.display_name_en = settings.display_name_en
        self.ceiling = settings.ceiling
        self._settings = settings
        self._http = http
        self._clock = clock
        self._entropy = entropy
        self._credential = ClientCredential(settings, clock=clock, entropy=entropy)
        self._documents = CenterDocuments(settings, http=http, monotonic=monotonic)
        self._bulkhead = Bulkhead(settings.concurrency, _PATIENCE)
        self._answered_at: datetime | None = None
        self._failed_at: datetime | None = None

    async def begin(self, *, state: str, nonce: str, redirect_uri: str) -> CenterRedirect:
        """See `UserCenter.begin`. No login hint is passed on: it could hold a document number."""
        async with self._bounded():
            try:
                metadata = await self._documents.metadata()
            except wire.MalformedDocument as error:
                raise CenterUnavailable(f"{self.name}: {error}") from error
        code_verifier = self._entropy.token(32)
        url = wire.render_authorization_url(
            metadata,
            client_id=self._settings.client_id,
            redirect_uri=redirect_uri,
            scopes=self._settings.scopes,
            state=state,
            nonce=nonce,
            code_verifier=code_verifier,
        )
        return CenterRedirect(url, {"code_verifier": code_verifier})

    async def finish(
        self, *, callback: Mapping[str, str], remembered: Mapping[str, str], nonce: str, redirect_uri: str
    ) -> CenterIdentity:
        """See `UserCenter.finish`. A person for whom the center does not vouch is refused, since nothing is
        known.
        """
        async with self._bounded():
            metadata = await self._documents.metadata()
            wire.check_answer_issuer(callback, metadata)
            code = self._code_of(callback)
            tokens = await self._redeem(metadata, code, remembered.get("code_verifier", ""), redirect_uri)
            claims = await self._verified_claims(tokens, nonce)
            subject = wire.check_subject(claims.get("sub"))
            userinfo = await self._userinfo(metadata, tokens.access_token, subject)
            level = level_of(self._settings, claims, userinfo)
            if level is RealNameLevel.NONE:
                raise CenterRefused(
                    f"{self.name}: the center vouches for no real-name level",
                    description="您在上级认证平台尚未实名认证，不能用它登录。",
                    description_en="Your account at the upper identity platform has no verified real name.",
                )
            return identity_from(self._settings, subject=subject, level=level, userinfo=userinfo, now=self._clock())

    def health(self) -> CenterHealth:
        """See `UserCenter.health`. A failure is shown for a while only, since nobody tries a button that is
        shut.
        """
        failed = self._failed_at
        if failed is not None and self._clock() - failed < self._settings.shown_down_for:
            return CenterHealth(available=False, since=failed)
        return CenterHealth(available=True, since=self._answered_at)

    async def probe(self) -> CenterHealth:
        """Read the metadata anew and return the health; to be called now and then, never by a request."""
        try:
            async with self._bounded():
                await self._documents.refresh()
        except (CenterUnavailable, CenterMalformed):
            return self.health()
        return self.health()

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        """Deadline and bulkhead around the body; failures become the port's errors and are remembered for
        `health`.
        """
        try:
            async with self._bulkhead.place(), asyncio.timeout(self._settings.deadline.total_seconds()):
                yield
        except (TimeoutError, BulkheadFull, DocumentUnavailable) as error:
            self._failed_at = self._clock()
            raise CenterUnavailable(f"{self.name}: {type(error).__name__} {error}") from error
        except CenterUnavailable:
            self._failed_at = self._clock()
            raise
        except wire.MalformedDocument as error:
            raise CenterMalformed(f"{self.name}: {error}") from error
        self._answered_at, self._failed_at = self._clock(), None

    def _code_of(self, callback: Mapping[str, str]) -> str:
        error = callback.get("error")
        if error in _CENTER_IS_DOWN:
            raise CenterUnavailable(f"{self.name}: returned {error}")
        if error is not None:
            raise CenterRefused(f"{self.name}: returned an error")
        code = callback.get("code", "")
        if not 0 < len(code) <= 2_048:
            raise wire.MalformedDocument("code is missing in the browser's return")
        return code

    async def _redeem(
        self, metadata: wire.CenterMetadata, code: str, code_verifier: str, redirect_uri: str
    ) -> wire.TokenAnswer:
        headers, form = self._credential.authenticate()
        form |= {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": code_verifier,
        }
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        fetched = await self._fetch("POST", metadata.token_endpoint, headers, urlencode(form).encode())
        if fetched.status == 400 and wire.parse_error_code(fetched.body) == "invalid_grant":
            raise CenterRefused(f"{self.name}: the code was not accepted")
        if fetched.status != 200:
            # invalid_client and the like are quarrels between operators: to the citizen the center is out of
            # order.
            error = wire.parse_error_code(fetched.body)
            raise CenterUnavailable(f"{self.name}: token endpoint HTTP {fetched.status} {error}")
        return wire.parse_token_answer(self._json_body(fetched))

    async def _verified_claims(self, tokens: wire.TokenAnswer, nonce: str) -> Mapping[str, Any]:
        """Verify the ID token's signature and claims (Core §3.1.3.7)."""
        try:
            unverified = jws.extract_compact(tokens.id_token.encode("ascii"))
        except (JoseError, ValueError) as error:
            raise wire.MalformedDocument("the ID token is not a compact JWS") from error
        header = unverified.protected
        algorithm, kid = header.get("alg"), header.get("kid")
        # The allow-list decides before a key is looked for: neither "none" nor a symmetric algorithm gets
        # further.
        if algorithm not in self._settings.id_token_algorithms or not isinstance(kid, str | None):
            raise wire.MalformedDocument("the ID token's algorithm is not accepted")
        key = await self._documents.key(kid, algorithm)
        if key is None:
            raise wire.MalformedDocument("the center has published no key for the ID token")
        try:
            verified = jws.deserialize_compact(tokens.id_token, key, algorithms=[algorithm])
        except (JoseError, ValueError) as error:
            raise wire.MalformedDocument("the ID token's signature does not verify") from error
        claims = wire.read_id_token_claims(verified.payload)
        wire.check_id_token_claims(
            claims,
            issuer=self._settings.issuer,
            client_id=self._settings.client_id,
            nonce=nonce,
            now=self._clock(),
            leeway=self._settings.clock_leeway,
        )
        wire.check_access_token_hash(claims, tokens.access_token, algorithm)
        return claims

    async def _userinfo(self, metadata: wire.CenterMetadata, access_token: str, subject: str) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        fetched = await self._fetch("GET", metadata.userinfo_endpoint, headers, b"")
        if fetched.status != 200:
            raise CenterUnavailable(f"{self.name}: userinfo HTTP {fetched.status}")
        return wire.parse_userinfo(self._json_body(fetched), subject=subject)

    async def _fetch(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Fetched:
        try:
            return await self._http.fetch(method, url, headers=headers, body=body, deadline=self._settings.deadline)
        except FetchTooLarge as error:
            raise wire.MalformedDocument(str(error)) from error
        except FetchFailed as error:
            raise CenterUnavailable(f"{self.name}: {error}") from error

    def _json_body(self, fetched: Fetched) -> bytes:
        if fetched.content_type != "application/json":
            raise wire.MalformedDocument("the answer is not labelled as JSON")
        return fetched.body
