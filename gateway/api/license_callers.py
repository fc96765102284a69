"""From a verified access token to the caller of a lookup: which department asks, and which of its officers.

The department is that of the application's registration, never one the request names. An officer's own
token is accepted only from an application of the officer's department, so that no other department's
application can borrow an officer's rights.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from certs_catalog.errors import MemberProblem
from certs_catalog.lookup.request import LookupRequest
from certs_catalog.reasons.authorisation import NOT_A_DEPARTMENT, OFFICER_UNKNOWN
from certs_catalog.vocabulary import Caller, Grade
from foundation.problems import ErrorCode, register
from idp.people.directory import Officer
from idp.provider.clients.memory import ClientRegistry
from idp.provider.errors import InsufficientScope, InvalidToken
from idp.provider.tokens.access_tokens import VerifiedAccessToken
from idp.vocabulary import parse_acr

if TYPE_CHECKING:
    from gateway.composition import Parts

NAMED_ONLY = 0
FRESHER_SIGN_IN_NEEDED = register(
    ErrorCode(
        code="21221",
        status=401,
        title_zh="登录时间过久，需要重新登录",
        title_en="A fresher sign-in is required",
        cause_zh="查看完整信息要求工作人员近期登录，令牌所依据的登录时间过久。",
        cause_en="Whole values need an officer who signed in lately; the sign-in behind the token is too old.",
        remedy_zh="请由应用发起重新登录（max_age）后再试。",
        remedy_en="Let the application ask for a new sign-in (max_age) and try again.",
    )
)


class NotAccepted(Exception):
    """The token, or the officer it is used for, cannot ask for licenses.

    Carries the reason for the record.
    """

    def __init__(self, reason: ErrorCode, errors: Sequence[MemberProblem] = ()) -> None:
        super().__init__(reason.code)
        self.reason = reason
        self.errors = tuple(errors)


def check_client(token: VerifiedAccessToken, scope: str, *, clients: ClientRegistry) -> None:
    """Raise InvalidToken when the token's application, or one it passed through, is disabled; InsufficientScope when it lost the scope.

    An entitlement that the application lost since the token was made is lost here as well. Memory alone: the
    caller has refreshed the registry.
    """
    client = clients.find_active(token.client_id)
    if client is None or not all(clients.find_active(actor) for actor in token.actors):
        raise InvalidToken("client is not open")
    if scope not in client.scopes:
        raise InsufficientScope(scope)


async def caller_of(
    token: VerifiedAccessToken, asked: LookupRequest, *, parts: "Parts", network: str, now: datetime
) -> Caller:
    """Return who asks; raises NotAccepted for a citizen's token, for an officer who is not one of the department, and when whole values
    are asked for with a sign-in of long ago.

    Memory alone: registry and directory are cached and follow the change feed.
    """
    client = parts.provider.clients.find_active(token.client_id)
    department = await parts.directory.find_department(client.department_id) if client else None
    if client is None or department is None or (token.officer_id is None and token.person_id is not None):
        raise NotAccepted(NOT_A_DEPARTMENT)
    officer = await _officer_of(token, asked, department.department_id, parts)
    longest = timedelta(seconds=parts.settings.lookup.full_sign_in_age_seconds)
    if asked.grade >= Grade.FULL and token.auth_time is not None and now - token.auth_time > longest:
        raise NotAccepted(FRESHER_SIGN_IN_NEEDED)
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
        # The current actor is the token's own application (RFC 8693 §4.1).
        via=token.actors[1:],
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
