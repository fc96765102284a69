"""Point 4: an officer signs in with two factors and looks licenses up at the counter, within the grant and beyond it."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pyotp

from foundation.clock import system_clock
from gateway.stories.browser import Page, Values
from gateway.stories.main.cast import Cast
from gateway.stories.story import expect

STEP_S = 30
RESIDENT_ID_CARD = ("11100000000013127D001", "居民身份证")
REAL_ESTATE_TITLE = ("11100000MB03271699001", "不动产权证书")
SECOND_CLASS_CONSTRUCTOR = ("11100000000013338W001", "二级建造师")
ROAD_DRIVER = ("11100000000019713D071", "道路运输从业人员从业资格证")

TYPE_NOT_GRANTED = "31002"
GRADE_ABOVE_GRANT = "31003"
FIELD_NOT_GRANTED = "31004"
CASE_CLOSED = "32004"

_POSITION = re.compile(r"第 ?([0-9][0-9,]*) ?条", re.ASCII)
_RECEIPT = re.compile(r"回执 ([A-Za-z0-9_.-]+)", re.ASCII)
_CODE = re.compile(r"错误代码 ([0-9]{5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Question:
    """One lookup at the counter: the license, the grade, the fields, and what the officer states for `verify`."""

    license: tuple[str, str]
    grade: str
    fields: Sequence[str] = ()
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """The fields that the question names, shown or only compared."""
        return (*self.fields, *(name for name, _ in self.facts))


def sign_in_with_two_factors(cast: Cast) -> str:
    """Password, then a one-time password; without the second nobody reaches the desk."""
    browser, world, officer = cast.officer, cast.world, cast.world.officer
    login = browser.open(world.urls["staff_login"])
    values = {"identifier": officer.user_name, "password": officer.password}
    asked = browser.submit(login, login.form("identifier", "password"), values)
    page = browser.hop(asked, f"{world.issuer}/login/totp")
    between = browser.open(world.urls["desk"])
    expect(between.status != 200 or not between.has_form("case"), "the desk opens after the password alone")
    generator = pyotp.TOTP(officer.totp_secret or "")
    for attempt in range(2):
        entered = browser.submit(page, page.form("code"), {"code": generator.at(system_clock())})
        if entered.location is not None:
            break
        # The password of this step was used by an earlier play of the story: the next one comes within 30 s.
        expect(attempt == 0, f"two one-time passwords were refused: {entered.describe()}")
        time.sleep(STEP_S - system_clock().timestamp() % STEP_S + 0.5)
        page = entered
    desk = browser.settle(entered, within=[world.issuer])
    if not desk.has_form("case"):
        desk = browser.open(world.urls["desk"])
    expect(desk.status == 200 and desk.has_form("case"), f"no desk, but {desk.describe()}")
    return f"the desk is closed after the password alone and open after the one-time password: {desk.describe()}"


def verify(cast: Cast) -> str:
    """`verify` says whether a stated fact agrees, and shows nothing else."""
    question = Question(
        REAL_ESTATE_TITLE, "verify", facts=(("holder_name", cast.world.arriving.name), ("usage", "商业"))
    )
    page = _ask(cast, question)
    said = _answer(cast, page, question)
    expect(page.says("一致", "不一致"), "the stated facts are not judged")
    expect("城镇住宅用地" not in page.body, "a verified fact discloses the true value")
    return f"one fact agrees, one does not, no value disclosed; {said}"


def masked(cast: Cast) -> str:
    """`masked` shows the chosen fields, masked by rule."""
    question = Question(RESIDENT_ID_CARD, "masked", ("holder_name", "holder_number", "valid_to"))
    page = _ask(cast, question)
    said = _answer(cast, page, question)
    person = cast.world.arriving
    hidden = [text for text in (person.name, person.document_number) if text in _shown(page)]
    expect(not hidden, "a masked field is shown in full")
    return f"name and number masked; {said}"


def full(cast: Cast) -> str:
    """`full` shows the chosen fields as they are, to an officer of two factors."""
    question = Question(REAL_ESTATE_TITLE, "full", ("holder_name", "location", "floor_area"))
    page = _ask(cast, question)
    said = _answer(cast, page, question)
    expect(page.says("青榆区榆钱路18号2单元301室"), "the address is not shown in full")
    return f"three fields in full; {said}"


def refuse_ungranted_field(cast: Cast) -> str:
    """A field beyond the grant refuses the whole lookup."""
    question = Question(RESIDENT_ID_CARD, "masked", ("holder_name", "address"))
    return _refusal(cast, question, FIELD_NOT_GRANTED)


def refuse_higher_grade(cast: Cast) -> str:
    """A grade above the grant refuses the whole lookup."""
    return _refusal(cast, Question(RESIDENT_ID_CARD, "full", ("holder_name",)), GRADE_ABOVE_GRANT)


def refuse_closed_case(cast: Cast) -> str:
    """A case that is closed carries no lookup."""
    return _refusal(cast, Question(RESIDENT_ID_CARD, "masked", ("holder_name",)), CASE_CLOSED, is_open=False)


def refuse_ungranted_type(cast: Cast) -> str:
    """A license type without grant refuses the whole lookup."""
    return _refusal(cast, Question(SECOND_CLASS_CONSTRUCTOR, "masked", ("holder_name",)), TYPE_NOT_GRANTED)


def fetch_from_the_library(cast: Cast) -> str:
    """A type that the province holds is fetched through the license library, live."""
    question = Question(ROAD_DRIVER, "masked", ("holder_name", "service_kind", "vehicle_class"))
    page = _ask(cast, question)
    said = _answer(cast, page, question)
    expect(page.says("省电子证照共享平台"), "the answer does not name the library above")
    return f"fetched live from the provincial library; {said}"


def _ask(cast: Cast, question: Question, *, is_open: bool = True) -> Page:
    """Call the case up, choose the license, fill the rest in and send; what the page does not offer is sent all the same."""
    browser, holder = cast.officer, cast.world.arriving
    case = cast.world.case_of(holder, is_open=is_open)
    code, _ = question.license
    desk = browser.open(cast.world.urls["desk"])
    chosen = browser.submit(desk, desk.form("case"), {"case": case}, button="choose")
    chosen = browser.submit(chosen, chosen.form("case"), altered={"license_type": code}, button="choose")
    altered: dict[str, str | Sequence[str] | None] = {
        "holder_number": holder.document_number,
        "license_type": code,
        "grade": question.grade,
        "fields": question.fields,
    }
    altered |= {f"fact_{name}": value for name, value in question.facts}
    form = chosen.form("case")
    values: Values = {"basis": form.choices["basis"][0]} if form.choices.get("basis") else {}
    answered = browser.submit(chosen, form, values, button="look_up", altered=altered)
    return browser.settle(answered, within=[cast.world.issuer])


def _answer(cast: Cast, page: Page, question: Question) -> str:
    """Expect an answer with receipt and place in the ledger, remember the use, and say where it stands."""
    receipt, position = _RECEIPT.search(page.text), _POSITION.search(page.text)
    code = _CODE.search(page.text)
    expect(code is None, f"{question.license[1]} at {question.grade} was refused with {code[1] if code else ''}")
    expect(receipt is not None and position is not None, f"{page.describe()} shows no receipt and ledger position")
    expect(cast.world.arriving.document_number not in page.url, "a document number is in an address")
    case = cast.world.case_of(cast.world.arriving, is_open=True)
    cast.note_use(question.license, question.named, case=case)
    return f"receipt, ledger entry {position[1] if position else ''}"


def _refusal(cast: Cast, question: Question, code: str, *, is_open: bool = True) -> str:
    page = _ask(cast, question, is_open=is_open)
    found = _CODE.search(page.text)
    expect(found is not None, f"expected refusal {code}, got {page.describe()}")
    expect(found is not None and found[1] == code, f"expected refusal {code}, got {found[1] if found else ''}")
    shown = _shown(page)
    leaked = [text for text in (cast.world.arriving.name, "榆钱路", "青榆区公安局") if text in shown]
    expect(not leaked, "the refusal shows something of the license")
    case = cast.world.case_of(cast.world.arriving, is_open=is_open)
    cast.note_use(question.license, question.named, case=case, code=code)
    return f"refused with {code} and nothing disclosed"


def _shown(page: Page) -> str:
    """Return the part of the desk's page that is the answer: what stands before the form of the next question."""
    return page.text.partition("办件编号")[0]
