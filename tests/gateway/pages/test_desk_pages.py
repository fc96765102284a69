"""The desk, and what the citizen sees of it."""

import csv
import io
import re
from collections.abc import Iterator, Sequence

import pytest

from gateway.pages.citizen.accesses import _csv_line
from gateway.stories.browser import Browser, Page
from tests.gateway.pages.people import newcomer, register
from tests.gateway.town import Town

TITLE = "11100000MB03271699001"
OPEN_CASE, CLOSED_CASE, OTHERS_CASE = "QY-2026-000101", "QY-2026-000102", "QY-2026-000103"


@pytest.fixture(scope="session")
def officer(town: Town) -> Iterator[Browser]:
    """The officer's browser, signed in once: a one-time password opens once."""
    browser = Browser()
    person = town.person("wangshouzheng")
    page = browser.open(town.url("/staff/login"))
    values = {"identifier": person["user_name"], "password": person["password"]}
    totp = browser.hop(browser.submit(page, page.form("identifier"), values), town.url("/login/totp"))
    desk = town.settle(browser, browser.submit(totp, totp.form("code"), {"code": town.totp("wangshouzheng")}))
    assert desk.url == town.url("/desk")
    yield browser
    browser.close()


def call_up(town: Town, officer: Browser, case: str) -> Page:
    """Call a case up at an empty desk."""
    desk = officer.open(town.url("/desk"))
    return officer.submit(desk, desk.form("case"), {"case": case}, button="choose")


def number_of(town: Town, name: str = "zhangzhiming") -> str:
    """Return the document number of somebody of the demo world."""
    return str(town.person(name)["document_number"])


def look_up(town: Town, officer: Browser, page: Page, **altered: str | list[str]) -> Page:
    """Press the button of the lookup with these fields."""
    values: dict[str, str | Sequence[str] | None] = {
        "holder_number": number_of(town),
        "license_type": TITLE,
        "grade": "masked",
        "fields": ["holder_name", "location"],
        **altered,
    }
    return officer.submit(page, page.form("holder_number"), altered=values, button="look_up")


def test_case_is_called_up_with_what_the_grant_allows(town: Town, officer: Browser) -> None:
    """Only granted types, grades and fields are offered; what is not is shut with its reason."""
    page = call_up(town, officer, OPEN_CASE)
    assert page.status == 200
    assert page.says("公共租赁住房资格申请", "办理中", "不动产权证书", "此次查询将记录并告知本人")
    form = page.form("holder_number")
    assert TITLE in form.choices["license_type"]
    assert "11100000MB0143028R001" not in form.choices["license_type"]
    assert page.says("证照原件", "尚未提供")


@pytest.mark.parametrize("case", ["", "QY-0000-000000", OTHERS_CASE, "'; DROP TABLE cases; --", "九" * 64])
def test_case_that_is_not_the_departments_opens_nothing(town: Town, officer: Browser, case: str) -> None:
    """Unknown, foreign and nonsensical numbers look the same, and the page says what to correct."""
    page = call_up(town, officer, case)
    assert page.status == 422
    assert not page.has_form("holder_number")


def test_masked_lookup_shows_result_source_receipt_and_ledger_position(town: Town, officer: Browser) -> None:
    """The answer stands on the page of the POST; the number stands in no address."""
    page = look_up(town, officer, call_up(town, officer, OPEN_CASE))
    assert (page.status, page.url) == (200, town.url("/desk"))
    assert page.says("有效", "张*明", "回执", "账本位置", "ZJ-0317")
    assert "张知明" not in page.body
    assert page.headers["cache-control"] == "no-store"


def test_verify_answers_yes_and_no_and_shows_no_content(town: Town, officer: Browser) -> None:
    """Facts are compared; nothing is fetched to look at."""
    page = call_up(town, officer, OPEN_CASE)
    found = look_up(town, officer, page, grade="verify", fields=[], fact_holder_name="张知明", fact_location="不是这里")
    assert found.status in (200, 422)
    asked = look_up(town, officer, page, grade="verify", fields=[], fact_holder_name="错的名字")
    assert asked.says("不一致")
    assert "张知明" not in asked.body


@pytest.mark.parametrize(
    ("altered", "code"),
    [
        ({"fields": ["holder_name", "right_nature"]}, "31004"),
        ({"license_type": "11100000000013127D001", "grade": "full", "fields": ["holder_name"]}, "31003"),
        ({"license_type": "11100000MB0143028R001", "fields": ["holder_name"]}, "31002"),
        ({"case": CLOSED_CASE}, "32004"),
        ({"case": OTHERS_CASE}, "32"),
        ({"case": "QY-0000-000000"}, "32003"),
    ],
    ids=[
        "ungranted field",
        "grade above the grant",
        "type without grant",
        "closed",
        "other department",
        "unknown case",
    ],
)
def test_refusal_has_its_code_reason_and_next_step_and_nothing_else(
    town: Town, officer: Browser, altered: dict[str, str | list[str]], code: str
) -> None:
    """The page of a refusal holds no word of the license."""
    page = look_up(town, officer, call_up(town, officer, OPEN_CASE), **altered)
    assert 400 <= page.status < 500
    assert page.says("未提供", "原因", "您可以", code)
    assert "张*明" not in page.body
    assert re.search(r"/help/errors/3[0-9]{4}", page.body)


def test_form_errors_stand_beside_their_fields(town: Town, officer: Browser) -> None:
    """Nothing is asked of the grants before the form is whole; the summary leads to the fields."""
    page = call_up(town, officer, OPEN_CASE)
    wrong: list[tuple[dict[str, str | list[str]], str]] = [
        ({"holder_number": ""}, "holder_number"),
        ({"holder_number": "370299190805120016"}, "holder_number"),
        ({"fields": []}, "fields"),
        ({"grade": "everything"}, "grade"),
        ({"basis": "holder"}, "basis"),
    ]
    for altered, field in wrong:
        back = look_up(town, officer, page, **altered)
        assert back.status == 422, altered
        assert f'href="#f-{field}"' in back.body, altered
        assert f'id="f-{field}"' in back.body, altered
        assert f'id="f-{field}-e1"' in back.body, altered
        assert back.document.title.startswith("错误：")


def test_clear_forgets_what_was_typed(town: Town, officer: Browser) -> None:
    """The next person at the counter finds an empty desk."""
    page = look_up(town, officer, call_up(town, officer, OPEN_CASE))
    cleared = town.settle(officer, officer.submit(page, page.form("case"), button="clear"))
    assert number_of(town) not in cleared.body
    assert OPEN_CASE not in cleared.body


def test_citizen_sees_every_use_and_takes_it_along_as_a_file(
    town: Town, officer: Browser, browser: Browser, other_browser: Browser
) -> None:
    """Allowed and refused ones, by whom and what for; filtered, exported, and nobody else's."""
    look_up(town, officer, call_up(town, officer, OPEN_CASE))
    look_up(town, officer, call_up(town, officer, OPEN_CASE), case=CLOSED_CASE)
    login = browser.open(town.url("/login"))
    center = town.settle(browser, browser.submit(login, login.form("csrf_token", action="/sign-in/centers/province")))
    arrived = town.settle(browser, browser.submit(center, center.form("person"), button="zhangzhiming"))
    if arrived.has_form("decision"):
        town.settle(browser, browser.submit(arrived, arrived.form("decision"), button="yes"))
    page = browser.open(town.url("/accesses"))
    assert page.says("青榆区住房和城乡建设局", "公共租赁住房资格申请", "ZJ-0317", "已提供", "已拒绝", "办件已办结")
    # The law by its name, not by the code under which it stands in the grant.
    assert page.says("依职能用证 《公共租赁住房管理办法》")
    assert "LB-" not in page.text
    assert number_of(town) not in page.body
    filtered = browser.open(town.url(f"/accesses?license={TITLE}&month=1999-01"))
    assert filtered.says("没有符合筛选的记录")
    home = browser.open(town.url("/"))
    assert home.says("青榆区住房和城乡建设局")
    export = browser.open(town.url("/accesses/export"))
    assert export.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(export.body.removeprefix("\ufeff"))))
    assert {row[9] for row in rows[1:]} >= {"已提供", "已拒绝"}
    assert "部分隐去" in {row[5] for row in rows[1:]}
    assert any("《公共租赁住房管理办法》" in row[8] for row in rows[1:])
    licenses = browser.open(town.url("/licenses"))
    link = next(link.href for link in licenses.document.links if link.href.startswith("/licenses/"))
    assert browser.open(town.url(link)).status == 200
    register(town, other_browser, newcomer(town))
    assert other_browser.open(town.url(link)).status == 404
    assert other_browser.open(town.url("/accesses")).says("还没有人看过您的证照")


def test_officer_history_shows_what_was_asked_without_what_was_found(town: Town, officer: Browser) -> None:
    """The officer's own record is the citizen's, without content."""
    look_up(town, officer, call_up(town, officer, OPEN_CASE))
    page = officer.open(town.url("/desk/history"))
    assert page.says(OPEN_CASE, "不动产权证书", "已提供")
    assert "张*明" not in page.body


def test_officer_sees_no_citizen_pages_with_the_staff_session(town: Town, officer: Browser) -> None:
    """What is done in office and what is private stay apart."""
    assert officer.open(town.url("/licenses")).status == 403


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_exported_cells_are_never_formulas(cell: str) -> None:
    """A spreadsheet must not run what a department wrote into a purpose."""
    assert next(csv.reader([_csv_line([cell]).decode()]))[0].startswith("'")


def test_officer_who_signs_out_is_led_back_to_the_door_of_officers(town: Town, officer: Browser) -> None:
    """The citizens' sign-in would not let them in at the desk. It comes last: it ends the one session of these tests."""
    question = officer.open(town.url("/logout"))
    out = town.settle(officer, officer.submit(question, question.form("csrf_token", action="/logout"), button="yes"))
    assert out.says("您已退出")
    assert officer.follow_link(out, "/staff/login").has_form("identifier")
