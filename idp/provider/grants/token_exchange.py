"""Token exchange (RFC 8693): an application of a department goes on with what an officer began in another one of its applications.

There is one rule, and whatever has none is refused: an officer's access token may be exchanged by a client of the officer's own
department that serves a resource of the token (or was given it), for a token of its own for one of its registered resources. What comes
out reaches no further than what went in: scope and life are at most the subject token's, sign-in and session stay the officer's, and it
dies with the subject token, its grant, its session, and every application it has passed through. The `act` claim names them all, the
current one first; the last is the application that the officer signed in to.
"""

from dataclasses import dataclass
from datetime import datetime

from foundation.ledger import Entry
from idp.provider.clients.policies import TOKEN_EXCHANGE
from idp.provider.clients.registry import Client
from idp.provider.composition import Origin, Provider
from idp.provider.errors import InvalidToken, TokenError
from idp.provider.parameters import Parameters
from idp.provider.proof.sender_constraint import Confirmation
from idp.provider.scopes import SCOPES, join_scope, split_scope
from idp.provider.tokens.access_tokens import AccessTokenFacts, TokenContext, VerifiedAccessToken
from idp.provider.tokens.exchange_reasons import (
    ACTOR_TOKEN_NOT_ACCEPTED,
    EXCHANGE_MALFORMED,
    EXCHANGE_NEEDS_CONSENT,
    NO_EXCHANGE_RULE,
    SUBJECT_TOKEN_NOT_ACCEPTED,
    TOO_MANY_ACTORS,
)
from idp.provider.tokens.issuing import IssuedAccessToken, issue_token, lifetime_of
from idp.provider.tokens.reading import read_token
from idp.provider.tokens.reasons import RESOURCE_NOT_GRANTED, SCOPE_TOO_BROAD
from idp.provider.tokens.standing import find_officer_department

GRANT_TYPE = TOKEN_EXCHANGE
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A new token, with the one it was exchanged for and the applications both have passed through, the current one first."""

    issued: IssuedAccessToken
    subject: VerifiedAccessToken
    actors: tuple[str, ...]


async def exchange_token(
    form: Parameters, client: Client, *, confirmation: Confirmation | None, provider: Provider, now: datetime
) -> Exchanged:
    """Judge the request and sign the new token; raises TokenError (RFC 8693 §2.2.2).

    Nothing is written: the token counts once `exchange_entry` is on record with `Exchanged.issued.inserts`.
    """
    _check_form(form)
    subject = await _read_token(form.values["subject_token"], provider, now)
    if subject is None or not _may_present(client, subject, confirmation):
        raise TokenError(SUBJECT_TOKEN_NOT_ACCEPTED)
    await _check_actor(form, client, provider, now)
    await _check_rule(client, subject, provider)
    actors = chain_of_actors(client.client_id, subject)
    if len(actors) > provider.limits.exchange_actors:
        raise TokenError(TOO_MANY_ACTORS)
    scope = _narrowed_scope(form, client, subject)
    resources = _target(form, client)
    await _check_consent(client, subject, scope, provider)
    facts = AccessTokenFacts(
        subject=provider.subjects.subject(client.sector, str(subject.person_id)),
        client_id=client.client_id,
        audience=resources,
        scope=scope,
        lifetime=min(lifetime_of(scope, provider), subject.expires_at - now),
        context=TokenContext(
            subject.grant_id,
            subject.person_id,
            subject.officer_id,
            subject.session_id,
            parents=(subject.jti, *subject.parents),
        ),
        acr=subject.acr,
        auth_time=subject.auth_time,
        confirmation=confirmation,
        actors=actors,
        # An exchanged token reaches no further than the one that was shown.
        authorization_details=subject.authorization_details,
    )
    return Exchanged(issue_token(facts, client, provider=provider, now=now), subject, actors)


def chain_of_actors(client_id: str, subject: VerifiedAccessToken) -> tuple[str, ...]:
    """Return the applications that act for the subject once the client does, the current one first (RFC 8693 §4.1). Pure.

    A client that exchanges a token of its own adds nothing to the chain.
    """
    before = subject.actors or (subject.client_id,)
    return before if before[0] == client_id else (client_id, *before)


def exchange_entry(exchanged: Exchanged, client: Client, *, origin: Origin, now: datetime) -> Entry:
    """Return the ledger entry: for which officer, through which applications, from which token to which."""
    issued, subject = exchanged.issued, exchanged.subject
    details = {
        "grant_type": GRANT_TYPE,
        "jti": issued.jti,
        "scope": join_scope(issued.scope),
        "aud": list(issued.audience),
        "grant_id": subject.grant_id,
        "subject_jti": subject.jti,
        "act": list(exchanged.actors),
    }
    return Entry(
        kind="oauth.token",
        at=now,
        outcome="allowed",
        actor=f"person:{subject.person_id}",
        department=client.department_id,
        client=client.client_id,
        request_id=origin.request_id,
        details=details,
    )


def _check_form(form: Parameters) -> None:
    """RFC 8693 §2.1, without looking at any token yet."""
    if form.get("subject_token") is None or form.get("subject_token_type") != ACCESS_TOKEN:
        raise TokenError(EXCHANGE_MALFORMED, "subject token missing or of another type")
    if form.get("requested_token_type") not in (None, ACCESS_TOKEN):
        raise TokenError(EXCHANGE_MALFORMED, "another type requested")
    has_actor = form.get("actor_token") is not None
    if has_actor != (form.get("actor_token_type") is not None):
        raise TokenError(EXCHANGE_MALFORMED, "actor token without its type, or the reverse")
    if has_actor and form.get("actor_token_type") != ACCESS_TOKEN:
        raise TokenError(EXCHANGE_MALFORMED, "actor token of another type")


def _may_present(client: Client, subject: VerifiedAccessToken, confirmation: Confirmation | None) -> bool:
    """Tell whether the token came to the client rightly: it was issued to it, or is for a resource that it serves.

    A bound token counts in the hands of whoever proves possession, and nobody else's.
    """
    is_meant = subject.client_id == client.client_id or not client.introspects.isdisjoint(subject.audience)
    return is_meant and (subject.confirmation is None or subject.confirmation == confirmation)


async def _check_actor(form: Parameters, client: Client, provider: Provider, now: datetime) -> None:
    """The client is the actor; a token that says so may be added, one that says otherwise is refused (RFC 8693 §2.1)."""
    text = form.get("actor_token")
    if text is None:
        return
    actor = await _read_token(text, provider, now)
    if actor is None or actor.client_id != client.client_id or actor.person_id is not None:
        raise TokenError(ACTOR_TOKEN_NOT_ACCEPTED)


async def _check_rule(client: Client, subject: VerifiedAccessToken, provider: Provider) -> None:
    """Raise TokenError unless officer, application and client belong to one department, as the database says now."""
    before = provider.clients.find_active(subject.client_id)
    if subject.officer_id is None or subject.grant_id is None or before is None:
        raise TokenError(NO_EXCHANGE_RULE, "not an officer's token")
    if before.department_id != client.department_id:
        raise TokenError(NO_EXCHANGE_RULE, "another department's application")
    if await find_officer_department(provider.db, subject.grant_id) != client.department_id:
        raise TokenError(NO_EXCHANGE_RULE, "the grant has ended, or the officer is not in post there")


def _narrowed_scope(form: Parameters, client: Client, subject: VerifiedAccessToken) -> tuple[str, ...]:
    """Return the scope: never more than the subject token's and the client's own, and nothing that releases a person's data."""
    held = sorted(name for name in subject.scope & client.scopes if SCOPES[name].for_clients)
    wanted = form.get("scope")
    asked = tuple(held) if wanted is None else split_scope(wanted)
    if not asked or not set(asked) <= set(held):
        raise TokenError(SCOPE_TOO_BROAD)
    return asked


def _target(form: Parameters, client: Client) -> tuple[str, ...]:
    """Return the resources of the new token, all of them registered for the client (RFC 8693 §2.1, RFC 8707 §2).

    `audience` names a resource by its address, as `resource` does.
    """
    audience = form.get("audience")
    asked = tuple(dict.fromkeys((*form.resources, *(() if audience is None else (audience,)))))
    if not asked and len(client.resources) == 1:
        asked = tuple(client.resources)
    if not asked or not set(asked) <= client.resources:
        raise TokenError(RESOURCE_NOT_GRANTED)
    return asked


async def _check_consent(
    client: Client, subject: VerifiedAccessToken, scope: tuple[str, ...], provider: Provider
) -> None:
    """A client that has to ask is not spared it by exchanging: what it is given here, the person has agreed to there."""
    if client.consent == "exempt":
        return
    consent = await provider.consents.load((str(subject.person_id), client.client_id))
    if consent is None or not set(scope) <= consent.items:
        raise TokenError(EXCHANGE_NEEDS_CONSENT)


async def _read_token(text: str, provider: Provider, now: datetime) -> VerifiedAccessToken | None:
    try:
        return await read_token(text, provider=provider, now=now)
    except InvalidToken:
        return None
