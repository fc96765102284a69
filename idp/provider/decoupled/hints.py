"""Whom a CIBA request is addressed to (CIBA Core §7.1): exactly one hint, and an answer that does not tell whether it names anybody.

A well-formed hint that names nobody, or somebody whose account is shut, leads to a request that waits like any other and expires: whether
a phone or document number has an account is nobody's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from idp.people.accounts import find_account_by_login
from idp.people.user_names import LoginName, parse_login_name
from idp.provider.authorization.request_objects import verify_request_object
from idp.provider.clients.registry import Client
from idp.provider.composition import Provider
from idp.provider.decoupled.reasons import (
    AUTHENTICATION_REQUEST_MALFORMED,
    EXPIRED_LOGIN_HINT_TOKEN,
    UNKNOWN_USER_ID,
)
from idp.provider.errors import TokenError
from idp.provider.parameters import Parameters
from idp.provider.proof.client_jwts import UnusableJwt, instant_of, parse_client_jwt
from idp.provider.tables import oauth_grants
from idp.provider.tokens.id_tokens import read_id_token_hint
from idp.signin.beijing import beijing_date

LONGEST_HINT = 256
HINTS = ("login_hint", "login_hint_token", "id_token_hint")


@dataclass(frozen=True, slots=True)
class Addressed:
    """Whom a hint names; `counted` stands for the hint itself, without telling it, in the counters of requests."""

    person_id: str | None
    counted: bytes


async def find_addressed(parameters: Parameters, client: Client, *, provider: Provider, now: datetime) -> Addressed:
    """Return whom the request is for; raises TokenError when there is not one understandable hint."""
    given = [name for name in HINTS if parameters.get(name) is not None]
    if len(given) != 1:
        raise TokenError(AUTHENTICATION_REQUEST_MALFORMED, "not exactly one hint")
    hint = str(parameters.get(given[0]))
    if given[0] == "id_token_hint":
        return await _by_id_token(hint, client, provider, now)
    if given[0] == "login_hint_token":
        hint = await _read_hint_token(hint, client, provider, now)
    return await _by_login(hint, provider, now)


async def _by_login(hint: str, provider: Provider, now: datetime) -> Addressed:
    """What a person may type into the sign-in form: phone number, 公民身份号码 or user name; `+86` and `tel:` are understood."""
    name = parse_login_name(hint.removeprefix("tel:"), today=beijing_date(now))
    if len(hint) > LONGEST_HINT or name.kind == "unknown":
        raise TokenError(UNKNOWN_USER_ID, "not understood")
    async with provider.db.read() as connection:
        account = await find_account_by_login(connection, name, index=provider.index)
    is_reachable = account is not None and account.is_open
    return Addressed(account.person_id if account is not None and is_reachable else None, _counted(name, provider))


async def _by_id_token(hint: str, client: Client, provider: Provider, now: datetime) -> Addressed:
    token = read_id_token_hint(hint, issuer=provider.issuer, keys=provider.keys, now=now)
    if token is None or token.client_id != client.client_id:
        raise TokenError(UNKNOWN_USER_ID, "not an ID token of this client")
    query = (
        select(oauth_grants.c.person_id)
        .where(oauth_grants.c.sid == token.sid, oauth_grants.c.client_id == client.client_id)
        .limit(1)
    )
    async with provider.db.read() as connection:
        person_id = (await connection.execute(query)).scalar()
    if person_id is not None and provider.subjects.subject(client.sector, person_id) != token.subject:
        raise TokenError(UNKNOWN_USER_ID, "another subject")
    facts = None if person_id is None else await provider.people.load(person_id)
    is_reachable = facts is not None and facts.is_open
    return Addressed(person_id if is_reachable else None, provider.index.index("ciba.subject", token.subject))


async def _read_hint_token(text: str, client: Client, provider: Provider, now: datetime) -> str:
    """Return the hint inside a JWT that the client signed: `sub_id` of RFC 9493 (phone_number, or opaque with a user name)."""
    try:
        exp = instant_of(parse_client_jwt(text).claims, "exp")
        if exp is not None and now.timestamp() >= exp:
            raise TokenError(EXPIRED_LOGIN_HINT_TOKEN)
        claims = await verify_request_object(
            text, client, registered_alg=None, strict=False, provider=provider, now=now
        )
    except UnusableJwt as unusable:
        raise TokenError(UNKNOWN_USER_ID, str(unusable)) from unusable
    return _subject_of(claims)


def _subject_of(claims: Mapping[str, Any]) -> str:
    identifier = claims.get("sub_id")
    member = {"phone_number": "phone_number", "opaque": "id"}
    if isinstance(identifier, dict):
        value = identifier.get(member.get(str(identifier.get("format")), ""))
        if isinstance(value, str) and value:
            return value
    raise TokenError(UNKNOWN_USER_ID, "no sub_id of a known format")


def _counted(name: LoginName, provider: Provider) -> bytes:
    return provider.index.index(f"ciba.{name.kind}", name.canonical)
