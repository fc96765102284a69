"""The userinfo endpoint (OpenID Connect Core §5.3):

What the person agreed that this app may know, as of now.
"""

from dataclasses import replace
from datetime import datetime

from foundation.ledger import Entry
from foundation.problems import RenzhengError
from idp.provider.assurance.release import verified_claims_of
from idp.provider.assurance.requests import MEMBER as VERIFIED_CLAIMS
from idp.provider.authorization.response_reasons import CLIENT_KEY_UNAVAILABLE
from idp.provider.back_channel import OAuthResponse, render_refusal
from idp.provider.claims import released_claims, userinfo_claims
from idp.provider.clients.keys import ClientKeysUnavailable
from idp.provider.composition import Provider
from idp.provider.errors import InsufficientScope, InvalidToken, TokenError
from idp.provider.resources.access import ResourceRequest, admit_request, answer_headers, render_challenge
from idp.provider.resources.audiences import userinfo_audience
from idp.provider.resources.userinfo_answer import answer_claims
from idp.provider.scopes import OPENID, SCOPE_OF_CLAIM
from idp.provider.tokens.access_tokens import VerifiedAccessToken
from idp.provider.tokens.granting import find_grant

KIND = "oauth.userinfo"


async def userinfo(request: ResourceRequest, *, provider: Provider, now: datetime) -> OAuthResponse:
    """Answer with the claims; every disclosure and every refusal of a token is on record before it is
    answered.

    Raises StorageUnavailable when neither can be recorded, or when revocations have not been heard lately.
    """
    await provider.clients.refresh()
    request_id = request.origin.request_id
    verified: VerifiedAccessToken | None = None
    try:
        verified = await admit_request(
            request,
            audience=userinfo_audience(provider.issuer),
            scope=OPENID,
            provider=provider,
            now=now,
        )
        answer = await _disclose(verified, provider, request_id, now)
        return replace(answer, headers={**answer.headers, **answer_headers(verified)})
    except (InvalidToken, InsufficientScope) as refused:
        await _record(verified, refused, (), provider, request_id, now)
        return render_challenge(refused, request)
    except TokenError as refused:
        await _record(verified, refused, (), provider, request_id, now)
        return render_refusal(refused)


async def _disclose(
    verified: VerifiedAccessToken, provider: Provider, request_id: str | None, now: datetime
) -> OAuthResponse:
    await provider.clients.learn(verified.client_id)
    client = provider.clients.find_active(verified.client_id)
    facts = None if verified.person_id is None else await provider.people.load(verified.person_id)
    if client is None or facts is None or not facts.is_open:
        raise InvalidToken("client or account is not open")
    # An entitlement that the client lost since the token was made is lost here as well.
    asked = userinfo_claims(verified.scope, verified.claims)
    claims = released_claims(facts, [name for name in asked if SCOPE_OF_CLAIM.get(name) in client.scopes])
    if VERIFIED_CLAIMS in asked and verified.grant_id is not None:
        grant = await find_grant(provider.db, verified.grant_id)
        wishes = () if grant is None else grant.request.verified_userinfo
        claims |= await verified_claims_of(wishes, facts, client, provider=provider, now=now)
    try:
        answer = await answer_claims({"sub": verified.subject, **claims}, client, provider=provider, now=now)
    except ClientKeysUnavailable as unavailable:
        raise TokenError(CLIENT_KEY_UNAVAILABLE, unavailable.problem) from unavailable
    await _record(verified, None, tuple(sorted(claims)), provider, request_id, now)
    return answer


async def _record(
    verified: VerifiedAccessToken | None,
    refused: RenzhengError | None,
    disclosed: tuple[str, ...],
    provider: Provider,
    request_id: str | None,
    now: datetime,
) -> None:
    entry = Entry(
        kind=KIND,
        at=now,
        outcome="allowed" if refused is None else "refused",
        code=None if refused is None else refused.code,
        actor=None if verified is None else f"client:{verified.client_id}",
        client=None if verified is None else verified.client_id,
        request_id=request_id,
        details={"claims": list(disclosed)} if disclosed else {},
        personal={"person": verified.person_id} if verified is not None and verified.person_id else {},
    )
    await provider.ledger.append(entry)
