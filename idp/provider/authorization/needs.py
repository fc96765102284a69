"""What an authorization still needs, asked with everything that is known of person, consent and hint."""

from dataclasses import replace
from datetime import datetime

from idp.provider.authorization.consents import Consent
from idp.provider.authorization.interaction import NeedConsent, NeedSignIn, Proceed, asked_items, decide_next
from idp.provider.authorization.reasons import INVALID_ID_TOKEN_HINT
from idp.provider.authorization.request import AuthorizationRequest
from idp.provider.authorization.transactions import Transaction
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.errors import RedirectableError
from idp.provider.tokens.id_tokens import read_id_token_hint
from idp.signin.sessions import Session


async def find_needs(
    request: AuthorizationRequest,
    client: Client,
    session: Session | None,
    waiting: Transaction | None,
    provider: Provider,
    now: datetime,
    *,
    given: bool = False,
) -> Proceed | NeedSignIn | NeedConsent:
    """Ask what is missing.

    `given` says that consent has just been given, so that the page is not shown in a circle.
    """
    consent: Consent | None = None
    if given and session is not None:
        consent = Consent(session.person_id, client.client_id, frozenset(asked_items(request)), frozenset(), now)
        request = replace(request, prompt=tuple(prompt for prompt in request.prompt if prompt != "consent"))
    elif session is not None and client.consent == "ask":
        consent = await provider.consents.load((session.person_id, client.client_id))
    return decide_next(
        request,
        client,
        session,
        expected_subject=_expected_subject(request, provider, now),
        subject=None if session is None else provider.subjects.subject(client.sector, session.person_id),
        consent=consent,
        begun_at=None if waiting is None else waiting.begun_at,
        now=now,
    )


def _expected_subject(request: AuthorizationRequest, provider: Provider, now: datetime) -> str | None:
    if request.id_token_hint is None:
        return request.claims.subject
    hint = read_id_token_hint(request.id_token_hint, issuer=provider.issuer, keys=provider.keys, now=now)
    if hint is None or hint.client_id != request.client_id:
        raise RedirectableError(INVALID_ID_TOKEN_HINT)
    return hint.subject
