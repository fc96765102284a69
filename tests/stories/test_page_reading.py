"""What a story sees of a page is what a person without JavaScript could use."""

import pytest

from gateway.stories.browser import Browser, Page
from gateway.stories.html import Document, read_document
from gateway.stories.story import NotAsTold, Played, Step, expect, play

PAGE = """<!doctype html><html><head><title>登录 &amp; 更多</title><style>.a{}</style></head><body>
<h1>是否同意<wbr>提供？</h1><a href="/next?x=1">继续</a>
<form action="/consent" method="post"><input type="hidden" name="csrf_token" value="t">
<input name="code" value="12"><input type="checkbox" name="claims" value="name" checked>
<input type="checkbox" name="claims" value="phone"><input type="checkbox" name="claims" value="no" disabled>
<select name="kind"><option value="a">A</option><option value="b" selected>B</option></select>
<textarea name="note">两行
文字</textarea>
<button name="decision" value="no">拒绝</button><button name="decision" value="yes">同意</button></form>
<article>第一条 <b>已提供</b></article><article>第二条</article><script>var secret</script></body></html>"""


@pytest.fixture
def document() -> Document:
    return read_document(PAGE)


def test_title_heading_and_text_are_what_is_shown(document: Document) -> None:
    """Character references are resolved, styles and scripts are not text, `wbr` leaves no gap."""
    assert document.title == "登录 & 更多"
    assert document.heading == "是否同意提供？"
    assert "secret" not in document.text
    assert document.articles == ["第一条 已提供", "第二条"]


def test_form_has_the_fields_a_browser_would_send(document: Document) -> None:
    """Unticked and disabled boxes are not sent; a closed list sends its marked option."""
    (form,) = document.forms
    assert form.fields == [
        ("csrf_token", "t"),
        ("code", "12"),
        ("claims", "name"),
        ("kind", "b"),
        ("note", "两行\n文字"),
    ]
    assert form.choices["claims"] == ["name", "phone"]
    assert [button.value for button in form.buttons] == ["no", "yes"]


def test_controls_outside_the_form_belong_to_it_by_id() -> None:
    """The `form` attribute works before and after the form."""
    document = read_document(
        '<input name="a" form="f" value="1"><form id="f"></form><input name="b" form="f" value="2">'
    )
    assert sorted(document.forms[0].fields) == [("a", "1"), ("b", "2")]


def test_unknown_field_or_choice_ends_the_step(document: Document) -> None:
    """A page that does not offer what the story needs is not as told."""
    page = Page("http://127.0.0.1:1/x", 200, {}, PAGE, document)
    browser = Browser()
    with pytest.raises(NotAsTold):
        browser.submit(page, page.form("claims"), {"amount": "1"})
    with pytest.raises(NotAsTold):
        browser.submit(page, page.form("claims"), {"claims": ["birthday"]})
    with pytest.raises(NotAsTold):
        browser.submit(page, page.form("claims"), button="maybe")
    browser.close()


def test_story_stops_at_the_first_failure() -> None:
    """Later steps build on earlier ones, so they are reported as not reached."""

    def holds(_: None) -> str:
        return "seen"

    def fails(_: None) -> str:
        expect(False, "it was otherwise")
        return "never"

    reported: list[Played] = []
    outcome = play([Step(1, "a", holds), Step(2, "b", fails), Step(3, "c", holds)], None, report=reported.append)
    assert (outcome.passed, outcome.failed) == (1, 2)
    assert [step.observed for step in reported] == ["seen", "it was otherwise", "not reached"]
