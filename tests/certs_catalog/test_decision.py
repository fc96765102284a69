"""The pure decision, as one table: each row a sentence."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from certs_catalog.cases import CheckedCase
from certs_catalog.catalog import LicenseType
from certs_catalog.catalog_files import load_catalog
from certs_catalog.grants.content import GrantContent, PurposeGrant, TypeGrant
from certs_catalog.grants.version import GrantState, GrantVersion
from certs_catalog.lookup.decision import Denial, Permit, decide
from certs_catalog.lookup.request import ByHolder, ByShareCode, LookupRequest, Purpose, lookup_request
from certs_catalog.vocabulary import Caller, Grade, HolderRef, SharingClass
from tests.certs_catalog.world import (
    APPLICATION,
    CLERK,
    CONSTRUCTOR,
    GRANT,
    HOUSING,
    MARKET,
    MATTER,
    MORTGAGE,
    NOW,
    OPEN_CASE,
    TITLE,
    ZHANG,
)

HOLDER = HolderRef("111", b"z" * 32)
CASE = CheckedCase(OPEN_CASE, MATTER, "公共租赁住房资格申请", "", HOUSING, True, HOLDER, NOW)
CATALOG = dict(load_catalog().types)
BARRED = CATALOG | {
    TITLE: replace(CATALOG[TITLE], sharing=replace(CATALOG[TITLE].sharing, sharing_class=SharingClass.NOT_SHARED))
}


def granted(state: GrantState = GrantState.VALIDATED, **changes: object) -> GrantVersion:
    """The ordinary grant, or a variant of its content."""
    content: GrantContent = replace(GRANT, **changes)  # type: ignore[arg-type]  # names are the fields of GrantContent
    return GrantVersion("G-2026-0017", 2, state, content, "00")


def asked(**changes: object) -> LookupRequest:
    """The ordinary request: holder, title, masked name, open case."""
    values: dict[str, object] = {
        "by": ByHolder("111", ZHANG),
        "license_types": (TITLE,),
        "grade": Grade.MASKED,
        "fields": ("holder_name",),
        "purpose": Purpose(MATTER, OPEN_CASE, None),
    }
    return lookup_request(**(values | changes))  # type: ignore[arg-type]  # names are the parameters of lookup_request


def question(
    *,
    caller: Caller = CLERK,
    grants: tuple[GrantVersion, ...] | None = None,
    request: LookupRequest | None = None,
    catalog: dict[str, LicenseType] | None = None,
    case: CheckedCase | None = CASE,
    holder: HolderRef | None = HOLDER,
) -> Callable[[], Permit | Denial]:
    """One question with everything in order except what is given."""
    return lambda: decide(
        caller,
        grants if grants is not None else (granted(),),
        request or asked(),
        CATALOG if catalog is None else catalog,
        case,
        holder,
        now=NOW,
    )


MASKED_ONLY = (TypeGrant(TITLE, Grade.MASKED, ("holder_name",)),)
NEVER_MIND_THE_CASE = (PurposeGrant(MATTER, "申请", "Application", "LB-1@1", "依据", needs_case=False),)

PERMITTED = [
    pytest.param(question(), id="an officer within grant, grade, fields, purpose and case"),
    pytest.param(question(caller=APPLICATION), id="an application for an officer, up to masked"),
    pytest.param(question(request=asked(grade=Grade.FULL)), id="full with two factors"),
    pytest.param(
        question(request=asked(grade=Grade.VERIFY, fields=(), facts={"holder_name": "张"})), id="verify within fields"
    ),
    pytest.param(question(grants=(granted(types=MASKED_ONLY), granted())), id="the second of two grants"),
    pytest.param(
        question(request=asked(license_types=(TITLE, CONSTRUCTOR), fields=("holder_name", "specialty"))),
        id="two types whose fields are granted where they exist",
    ),
    pytest.param(question(grants=(granted(networks=()),)), id="any network when none is registered"),
    pytest.param(
        question(
            grants=(granted(purposes=NEVER_MIND_THE_CASE),),
            request=asked(purpose=Purpose(MATTER, None, None)),
            case=None,
        ),
        id="a purpose that needs no case",
    ),
    pytest.param(question(request=asked(purpose=Purpose(MATTER, OPEN_CASE, "LB-77@3"))), id="the granted legal basis"),
    pytest.param(question(holder=None), id="a question that names no holder yet"),
]

DENIED = [
    pytest.param(question(grants=()), "31001", id="no grant at all"),
    pytest.param(question(request=asked(license_types=(MORTGAGE,))), "31002", id="a type outside every grant"),
    pytest.param(
        question(grants=(granted(types=MASKED_ONLY),), request=asked(grade=Grade.FULL)), "31003", id="a grade above"
    ),
    pytest.param(question(request=asked(fields=("holder_name", "floor_area"))), "31004", id="one field outside"),
    pytest.param(
        question(request=asked(grade=Grade.VERIFY, fields=(), facts={"floor_area": "1"})), "31004", id="a fact outside"
    ),
    pytest.param(question(grants=(granted(valid_to=NOW),)), "31005", id="the term over at this instant"),
    pytest.param(question(grants=(granted(valid_from=NOW + timedelta(seconds=1)),)), "31005", id="the term not begun"),
    pytest.param(question(grants=(granted(GrantState.SUSPENDED),)), "31006", id="a suspended grant"),
    pytest.param(question(grants=(granted(GrantState.REVOKED),)), "31006", id="a revoked grant"),
    pytest.param(question(grants=(granted(channels=("desk",)),), caller=APPLICATION), "31007", id="another channel"),
    pytest.param(question(caller=replace(CLERK, network="192.0.2.7")), "31008", id="another network"),
    pytest.param(question(caller=replace(CLERK, network="nonsense")), "31008", id="an address that is none"),
    pytest.param(question(caller=APPLICATION, request=asked(grade=Grade.FULL)), "31009", id="full for a named officer"),
    pytest.param(question(request=asked(purpose=Purpose("tax", OPEN_CASE, None))), "32001", id="a matter outside"),
    pytest.param(
        question(request=asked(purpose=Purpose(MATTER, OPEN_CASE, "LB-77@2"))), "31015", id="an older legal basis"
    ),
    pytest.param(question(catalog=BARRED), "31016", id="a type that law does not share"),
    pytest.param(question(request=asked(grade=Grade.ORIGINAL, fields=())), "31017", id="an original"),
    pytest.param(question(request=asked(by=ByShareCode("x"))), "31018", id="a share code"),
    pytest.param(question(catalog={}), "33006", id="a type that is in no catalogue"),
    pytest.param(question(request=asked(purpose=Purpose(MATTER, None, None))), "32002", id="no case"),
    pytest.param(question(case=None), "32003", id="an unknown case"),
    pytest.param(question(case=replace(CASE, open=False)), "32004", id="a closed case"),
    pytest.param(question(case=replace(CASE, department_uscc=MARKET)), "32005", id="another department's case"),
    pytest.param(
        question(case=replace(CASE, department_uscc=MARKET, open=False)), "32005", id="another department's closed case"
    ),
    pytest.param(question(case=replace(CASE, holder=HolderRef("111", b"l" * 32))), "32006", id="another holder's case"),
    pytest.param(question(case=replace(CASE, holder=None)), "32006", id="a case that names nobody"),
    pytest.param(question(case=replace(CASE, matter_code="gzf-exit")), "32007", id="a case of another matter"),
    pytest.param(
        question(grants=(granted(GrantState.SUSPENDED), granted(types=MASKED_ONLY)), request=asked(grade=Grade.FULL)),
        "31003",
        id="the reason of the grant that came furthest",
    ),
]


@pytest.mark.parametrize("ask", PERMITTED)
def test_is_permitted(ask: Callable[[], Permit | Denial]) -> None:
    """Positive controls: refusing everything would not pass."""
    assert isinstance(ask(), Permit)


@pytest.mark.parametrize(("ask", "code"), DENIED)
def test_is_denied(ask: Callable[[], Permit | Denial], code: str) -> None:
    """licenses.md, grants and grades: each rule has its own code, and the default denies."""
    verdict = ask()
    assert isinstance(verdict, Denial)
    assert verdict.reason.code == code


def test_the_permit_names_what_it_rests_on() -> None:
    """Every decision names grant_id@version, and only asked, granted and existing fields are in it."""
    verdict = question(request=asked(license_types=(TITLE, CONSTRUCTOR), fields=("holder_name", "specialty")))()
    assert isinstance(verdict, Permit)
    assert verdict.grant_ref == "G-2026-0017@2"
    assert [entry.fields for entry in verdict.types] == [("holder_name",), ("holder_name", "specialty")]
