"""The decision: may this caller have these fields of these license types in this grade, for this purpose?

Pure functions over frozen values. Rules run in the visible order of the tuples below, each with one stable
reason code, and the default denies: a request is permitted only when for every license type one grant
passes every rule. An ungranted type, grade or field refuses the whole request. Nothing here knows whether a
license exists, so no refusal can tell.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from certs_catalog.cases import CheckedCase
from certs_catalog.catalog import LicenseType
from certs_catalog.grants.content import PurposeGrant
from certs_catalog.grants.version import GrantState, GrantVersion
from certs_catalog.lookup.request import ByPresentation, ByShareCode, LookupRequest
from certs_catalog.reasons import answers, authorisation, purpose
from certs_catalog.vocabulary import Caller, Grade, HolderRef, SharingClass
from foundation.problems import ErrorCode
from foundation.values import value_type

TWO_FACTORS = 2


@value_type
class Denial:
    """Why not: a registered reason, and where in the request the cause lies when it can be said."""

    reason: ErrorCode
    pointer: str | None = None


@value_type
class TypePermit:
    """What may be released of one license type, and by which grant version."""

    license_type: LicenseType
    grant: GrantVersion
    fields: tuple[str, ...]


@value_type
class Permit:
    """The whole request is allowed: one permit for each license type, and the purpose it is allowed for."""

    types: tuple[TypePermit, ...]
    purpose: PurposeGrant

    @property
    def grants(self) -> tuple[GrantVersion, ...]:
        """Every grant version the permit rests on, each once."""
        return tuple({permit.grant.ref: permit.grant for permit in self.types}.values())

    @property
    def grant_ref(self) -> str:
        """``grant_id@version``, joined by a space where several grants share the request."""
        return " ".join(grant.ref for grant in self.grants)


def decide(
    caller: Caller,
    grants: Sequence[GrantVersion],
    request: LookupRequest,
    catalog: Mapping[str, LicenseType],
    case: CheckedCase | None,
    holder: HolderRef | None,
    *,
    now: datetime,
) -> Permit | Denial:
    """Decide everything at once; the lookup runs the two halves apart, with the quota between them."""
    verdict = decide_grant(caller, grants, request, catalog, now=now)
    if isinstance(verdict, Denial):
        return verdict
    return decide_case(caller, verdict, request, case, holder) or verdict


def decide_grant(
    caller: Caller,
    grants: Sequence[GrantVersion],
    request: LookupRequest,
    catalog: Mapping[str, LicenseType],
    *,
    now: datetime,
) -> Permit | Denial:
    """Decide what needs no outside system: form offered, catalogue, grants, strength of the sign-in."""
    if isinstance(request.by, ByShareCode | ByPresentation):
        return Denial(authorisation.WAY_NOT_OFFERED, "/by")
    if request.grade is Grade.ORIGINAL:
        return Denial(authorisation.GRADE_NOT_OFFERED, "/grade")
    for index, code in enumerate(request.license_types):
        if denial := _deny_type(catalog.get(code), index):
            return denial
    if not grants:
        return Denial(authorisation.NO_GRANT)
    types = [catalog[code] for code in request.license_types]
    permits: list[TypePermit] = []
    for license_type in types:
        verdict = _decide_type(_Question(caller, request, license_type, now), grants)
        if isinstance(verdict, Denial):
            return verdict
        permits.append(verdict)
    for index, name in enumerate(request.asked_fields):
        if not any(name in permit.fields for permit in permits):
            # A field that none of the types has is granted to nobody.
            return Denial(authorisation.FIELD_NOT_GRANTED, _field_pointer(request, index, name))
    if request.grade >= Grade.FULL and caller.strength < TWO_FACTORS:
        return Denial(authorisation.STRONGER_SIGN_IN_NEEDED)
    return Permit(tuple(permits), permits[0].grant.purposes[request.purpose.matter])


def decide_case(
    caller: Caller,
    permit: Permit,
    request: LookupRequest,
    case: CheckedCase | None,
    holder: HolderRef | None,
) -> Denial | None:
    """Decide whether the case carries the purpose; None says yes.

    ``holder`` is the holder asked about, None for a question by identifier or number: then the holder of
    the license found is compared before anything is released (see ``look_up``).
    """
    if request.purpose.case is None:
        return (
            Denial(purpose.CASE_MISSING, "/purpose/case")
            if any(permit_.grant.purposes[request.purpose.matter].needs_case for permit_ in permit.types)
            else None
        )
    if case is None:
        return Denial(purpose.CASE_UNKNOWN, "/purpose/case")
    if case.department_uscc != caller.department_uscc:
        # Before "closed" and "matter": what another department is doing is not told.
        return Denial(purpose.CASE_OF_OTHER_DEPARTMENT, "/purpose/case")
    if not case.open:
        return Denial(purpose.CASE_CLOSED, "/purpose/case")
    if case.matter_code != request.purpose.matter:
        return Denial(purpose.CASE_OF_OTHER_MATTER, "/purpose/matter")
    if holder is not None and not concerns(case, holder):
        return Denial(purpose.CASE_OF_OTHER_HOLDER, "/by/holder")
    return None


def concerns(case: CheckedCase, holder: HolderRef) -> bool:
    """Whether the case is about this holder; a case that names nobody concerns nobody."""
    return case.holder is not None and case.holder.type == holder.type and case.holder.index == holder.index


@value_type
class _Question:
    caller: Caller
    request: LookupRequest
    license_type: LicenseType
    now: datetime


def _deny_type(license_type: LicenseType | None, index: int) -> Denial | None:
    if license_type is None:
        return Denial(answers.TYPE_UNKNOWN, f"/license_types/{index}")
    if license_type.sharing.sharing_class is SharingClass.NOT_SHARED:
        return Denial(authorisation.LEGALLY_BARRED, f"/license_types/{index}")
    return None


def _decide_type(question: _Question, grants: Sequence[GrantVersion]) -> TypePermit | Denial:
    """Permit by the first grant that passes every rule; else the denial of the grant that came furthest."""
    furthest, denial = -1, Denial(authorisation.TYPE_NOT_GRANTED, "/license_types")
    for grant in grants:
        for step, rule in enumerate(GRANT_RULES):
            found = rule(question, grant)
            if found is not None:
                if step > furthest:
                    furthest, denial = step, found
                break
        else:
            names = tuple(name for name in question.request.asked_fields if name in question.license_type.fields)
            return TypePermit(question.license_type, grant, names)
    return denial


def _rule_type(question: _Question, grant: GrantVersion) -> Denial | None:
    if question.license_type.code not in grant.types:
        index = question.request.license_types.index(question.license_type.code)
        return Denial(authorisation.TYPE_NOT_GRANTED, f"/license_types/{index}")
    return None


def _rule_state(question: _Question, grant: GrantVersion) -> Denial | None:
    return None if grant.state is GrantState.VALIDATED else Denial(authorisation.GRANT_SUSPENDED)


def _rule_term(question: _Question, grant: GrantVersion) -> Denial | None:
    in_force = grant.content.valid_from <= question.now < grant.content.valid_to
    return None if in_force else Denial(authorisation.GRANT_EXPIRED)


def _rule_channel(question: _Question, grant: GrantVersion) -> Denial | None:
    allowed = question.caller.channel in grant.content.channels
    return None if allowed else Denial(authorisation.CHANNEL_NOT_GRANTED)


def _rule_network(question: _Question, grant: GrantVersion) -> Denial | None:
    allowed = grant.allows_network(question.caller.network)
    return None if allowed else Denial(authorisation.NETWORK_NOT_ALLOWED)


def _rule_grade(question: _Question, grant: GrantVersion) -> Denial | None:
    allowed = question.request.grade <= grant.types[question.license_type.code].grade
    return None if allowed else Denial(authorisation.GRADE_NOT_GRANTED, "/grade")


def _rule_fields(question: _Question, grant: GrantVersion) -> Denial | None:
    granted = grant.types[question.license_type.code].fields
    for index, name in enumerate(question.request.asked_fields):
        if name in question.license_type.fields and name not in granted:
            return Denial(authorisation.FIELD_NOT_GRANTED, _field_pointer(question.request, index, name))
    return None


def _rule_matter(question: _Question, grant: GrantVersion) -> Denial | None:
    allowed = question.request.purpose.matter in grant.purposes
    return None if allowed else Denial(purpose.MATTER_NOT_GRANTED, "/purpose/matter")


def _rule_legal_basis(question: _Question, grant: GrantVersion) -> Denial | None:
    stated = question.request.purpose.legal_basis
    if stated is None or stated == grant.purposes[question.request.purpose.matter].legal_basis:
        return None
    return Denial(authorisation.LEGAL_BASIS_NOT_GRANTED, "/purpose/legal_basis")


GRANT_RULES: tuple[Callable[[_Question, GrantVersion], Denial | None], ...] = (
    _rule_type,
    _rule_state,
    _rule_term,
    _rule_channel,
    _rule_network,
    _rule_grade,
    _rule_fields,
    _rule_matter,
    _rule_legal_basis,
)
"""The rules a grant has to pass for one license type, in this order."""


def _field_pointer(request: LookupRequest, index: int, name: str) -> str:
    return f"/facts/{name}" if request.grade is Grade.VERIFY else f"/fields/{index}"
