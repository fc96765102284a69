"""Claims about a person:

What a request asks for, and what may be released (OpenID Connect Core §5.1, §5.5).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from foundation.strict_json import MalformedJson, parse_strict_json
from idp.people.facts import PersonFacts
from idp.provider.assurance.requests import MEMBER as VERIFIED_CLAIMS
from idp.provider.assurance.requests import VerifiedClaimsWish, items_of, parse_verified_claims
from idp.provider.authorization.reasons import INVALID_CLAIMS
from idp.provider.clients.registry import Client
from idp.provider.errors import RedirectableError
from idp.provider.scopes import SCOPE_OF_CLAIM, claims_of

MAX_CLAIMS_OCTETS = 4_096
MAX_CLAIMS_DEPTH = 12


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """The `claims` parameter, reduced to what this provider acts on.

    `id_token` and `userinfo` are names of claims the client is entitled to and asked for one by one;
    `essential_acr` are the `acr` values of which one must be reached; `subject` is the only `sub` the
    answer may have. The verified claims of both places are kept as the client asked for them.
    """

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()
    essential_acr: tuple[str, ...] = ()
    voluntary_acr: tuple[str, ...] = ()
    subject: str | None = None
    verified_id_token: tuple[VerifiedClaimsWish, ...] = ()
    verified_userinfo: tuple[VerifiedClaimsWish, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Every claim about the person that was asked for by name."""
        return frozenset((*self.id_token, *self.userinfo))

    @property
    def verified_items(self) -> dict[str, str | None]:
        """Consent items of the verified claims, with the purpose that the client gave for each."""
        return items_of((*self.verified_id_token, *self.verified_userinfo))


@dataclass(frozen=True, slots=True)
class _Member:
    essential: bool = False
    values: tuple[str, ...] = field(default=())


def parse_claims_parameter(text: str | None, client: Client) -> ClaimsRequest:
    """Read the `claims` parameter (OpenID Connect Core §5.5); raises RedirectableError when it is not well-
    formed.

    Unknown claims and claims outside the client's entitlement are left out, as the specification has it:
    asking is no error, being given is what entitlement and consent decide.
    """
    if text is None:
        return ClaimsRequest()
    if len(text) > MAX_CLAIMS_OCTETS:
        raise RedirectableError(INVALID_CLAIMS, "too long")
    try:
        document = parse_strict_json(text, max_depth=MAX_CLAIMS_DEPTH)
    except MalformedJson as malformed:
        raise RedirectableError(INVALID_CLAIMS, "not JSON") from malformed
    if not isinstance(document, dict):
        raise RedirectableError(INVALID_CLAIMS, "not an object")
    id_token = _parse_members(document.get("id_token"))
    userinfo = _parse_members(document.get("userinfo"))
    acr = id_token.get("acr", _Member())
    subject = id_token.get("sub", userinfo.get("sub", _Member()))
    if len(subject.values) > 1:
        raise RedirectableError(INVALID_CLAIMS, "sub names several values")
    return ClaimsRequest(
        id_token=_entitled(id_token, client),
        userinfo=_entitled(userinfo, client),
        essential_acr=acr.values if acr.essential else (),
        voluntary_acr=() if acr.essential else acr.values,
        subject=subject.values[0] if subject.values else None,
        verified_id_token=parse_verified_claims(document.get("id_token"), client.scopes),
        verified_userinfo=parse_verified_claims(document.get("userinfo"), client.scopes),
    )


def released_claims(facts: PersonFacts, names: Iterable[str]) -> dict[str, Any]:
    """Return the named claims with their values.

    What is not known about the person is left out, never null.
    """
    wanted = frozenset(names)
    known: dict[str, Any] = {}
    if "nickname" in wanted:
        known["nickname"] = facts.name_masked
    if "updated_at" in wanted:
        known["updated_at"] = int(facts.updated_at.timestamp())
    if facts.phone is not None:
        if "phone_number" in wanted:
            known["phone_number"] = f"+86{facts.phone}"
        if "phone_number_verified" in wanted:
            known["phone_number_verified"] = True
    if "name" in wanted:
        known["name"] = facts.name
    if "realname_level" in wanted:
        known["realname_level"] = int(facts.level)
    if "document_type" in wanted:
        known["document_type"] = facts.document_type
    if "document_number" in wanted:
        known["document_number"] = facts.document_number
    return known


def masked_claims(facts: PersonFacts, names: Iterable[str]) -> dict[str, str]:
    """Return the values of the named claims as the consent page shows them:

    Numbers and phones in part only.
    """
    shown = {
        "nickname": facts.name_masked,
        "updated_at": "",
        "phone_number": facts.phone_masked or "",
        "phone_number_verified": "",
        "name": facts.name_masked,
        "realname_level": str(int(facts.level)),
        "document_type": facts.document_type,
        "document_number": facts.document_number_masked,
    }
    return {name: shown[name] for name in names if name in shown}


def userinfo_claims(scope: Iterable[str], asked_by_name: Iterable[str]) -> frozenset[str]:
    """Return the claims the userinfo endpoint releases for a token:

    Those of its scopes and those agreed by name.
    """
    return (claims_of(scope) | frozenset(asked_by_name)) - {"sub"}


def _entitled(members: Mapping[str, _Member], client: Client) -> tuple[str, ...]:
    return tuple(sorted(name for name in members if SCOPE_OF_CLAIM.get(name) in client.scopes))


def _parse_members(section: Any) -> dict[str, _Member]:
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise RedirectableError(INVALID_CLAIMS, "a section is not an object")
    return {name: _parse_member(member) for name, member in section.items() if name != VERIFIED_CLAIMS}


def _parse_member(member: Any) -> _Member:
    if member is None:
        return _Member()
    if not isinstance(member, dict):
        raise RedirectableError(INVALID_CLAIMS, "a claim is neither null nor an object")
    essential = member.get("essential", False)
    values = member.get("values", [member["value"]] if "value" in member else [])
    if not isinstance(essential, bool) or not isinstance(values, list):
        raise RedirectableError(INVALID_CLAIMS, "essential or values has the wrong type")
    return _Member(essential, tuple(value for value in values if isinstance(value, str)))
