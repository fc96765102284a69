"""From a verified access token to the caller of a lookup: which department asks, and which of its officers.

The department is that of the application's registration, never one the request names. An officer's own
token is accepted only from an application of the officer's department, so that no other department's
application can borrow an officer's rights.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from certs_catalog.errors import MemberProblem
from certs_catalog.lookup.request import LookupRequest
from certs_catalog.reasons.authorisation import NOT_A_DEPARTMENT, OFFICER_UNKNOWN
from certs_catalog.vocabulary import Caller
from foundation.problems import ErrorCode
from idp.people.directory import Officer
from idp.provider.access_tokens import VerifiedAccessToken
from idp.provider.clients import ClientRegistry
from idp.provider.errors import InsufficientScope, InvalidToken
from idp.vocabulary import parse_acr

if TYPE_CHECKING:
    from gateway.composition import Parts

NAMED_ONLY = 0


class NotAccepted(Exception):
    """The token, or the officer it is used for, cannot ask for licenses.

    Carries the reason for the record.
    """

    def __init__(self, reason: ErrorCode, errors: Sequence[MemberProblem] = ()) -> None:
        super().__init__(reason.code)
        self.reason = reason
        self.errors = tuple(errors)


def check_client(token: VerifiedAccessToken, scope: str, *, clients: ClientRegistry) -> None:
    """Raise InvalidToken when the token's application is disabled, InsufficientScope when it has lost the scope.

    An entitlement that the application lost since the token was made is lost here as well. Memory alone: the
    caller has refreshed the registry.
    """
    client = clients.find_active(token.client_id)
    if client is None:
        raise InvalidToken("client is not open")
    if scope not in client.scopes:
        raise InsufficientScope(scope)


async def caller_of(token: VerifiedAccessToken, asked: LookupRequest, *, parts: "Parts", network: str) -> Caller:
    """Return who asks; raises NotAccepted for a citizen's token, and for an officer who is not one of the
    department.

    Memory alone: registry and directory are cached and follow the change feed.
    """
    client = parts.provider.clients.find_active(token.client_id)
    department = await parts.directory.find_department(client.department_id) if client else None
    if client is None or department is None or (token.officer_id is None and token.person_id is not None):
        raise NotAccepted(NOT_A_DEPARTMENT)
    officer = await _officer_of(token, asked, department.department_id, parts)
    return Caller(
        channel="api",
        department_id=department.department_id,
        department_uscc=department.uscc,
        department_name_zh=department.name_zh,
        department_name_en=department.name_en,
        officer_id=officer.officer_id,
        officer_label=officer.label_zh,
        client_id=token.client_id,
        acr=token.acr or "",
        strength=_strength_of(token),
        network=network,
    )


async def _officer_of(token: VerifiedAccessToken, asked: LookupRequest, department_id: str, parts: "Parts") -> Officer:
    officer: Officer | None
    if token.officer_id is not None:
        if asked.officer is not None:
            raise NotAccepted(OFFICER_UNKNOWN, [_at_officer("conflict")])
        officer = await parts.directory.find_officer(token.officer_id)
    elif asked.officer is None:
        raise NotAccepted(OFFICER_UNKNOWN, [_at_officer("missing")])
    else:
        officer = await parts.directory.find_officer_by_work_number(department_id, asked.officer)
    if officer is None or not officer.may_act or officer.department_id != department_id:
        raise NotAccepted(OFFICER_UNKNOWN, [_at_officer("form")])
    return officer


def _strength_of(token: VerifiedAccessToken) -> int:
    """The strength of the officer's own sign-in.

    An officer who is only named by an application has shown nothing.
    """
    if token.officer_id is None:
        return NAMED_ONLY
    parsed = parse_acr(token.acr or "")
    return NAMED_ONLY if parsed is None else int(parsed[1])


def _at_officer(code: str) -> MemberProblem:
    return MemberProblem("/officer", code, OFFICER_UNKNOWN.title_zh, OFFICER_UNKNOWN.title_en)
