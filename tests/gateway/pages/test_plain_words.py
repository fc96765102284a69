"""What the provider's pages say to people: names instead of codes, what an act has led to, and what to do next."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from gateway.stories.browser import Browser, Page
from tests.gateway.pages.people import PASSWORD, newcomer, register
from tests.gateway.town import Town

HOUSING, CLIENT = "housing-app", "gzf"


def asked_of(town: Town, browser: Browser, **changed: str) -> Page:
    """Open what the housing app asks for, changed; an empty value leaves the parameter out."""
    address = browser.open(f"{town.app(HOUSING)}/sign-in").location
    assert address is not None
    parts = urlsplit(address)
    parameters = {name: value for name, value in (dict(parse_qsl(parts.query)) | changed).items() if value}
    return town.settle(browser, browser.open(parts._replace(query=urlencode(parameters)).geturl()))


def test_stopped_sign_in_is_told_to_people_and_explained_to_developers(town: Town, browser: Browser) -> None:
    """The words of the protocol stand where developers read; a citizen is told what it means."""
    for changed in ({"client_id": "nobody"}, {"redirect_uri": "https://elsewhere.test/cb"}, {"redirect_uri": ""}):
        page = asked_of(town, browser, **changed)
        assert page.status == 400
        meant, _, technical = page.text.partition("系统开发人员：")
        assert "与您的账户无关" in meant
        assert "client_id" not in meant
        assert "redirect_uri" not in meant
        assert technical


def test_stopped_sign_out_says_whether_somebody_is_still_signed_in(town: Town, browser: Browser) -> None:
    """An app's faulty request ends nothing: the page says so and offers the sign-out, not a sign-in that “was stopped”."""
    address = town.url(
        f"/oauth/logout?{urlencode({'client_id': CLIENT, 'post_logout_redirect_uri': 'https://elsewhere.test/'})}"
    )
    stranger = browser.open(address)
    assert stranger.status == 400
    assert stranger.says("您在这里没有登录")
    register(town, browser, newcomer(town))
    page = browser.open(address)
    assert page.status == 400
    assert page.says("还没有退出", "您在这里的登录还在")
    question = browser.follow_link(page, "/logout")
    assert question.says("要退出吗")


def test_old_result_page_does_not_say_that_somebody_signed_in_is_out(town: Town, browser: Browser) -> None:
    """Whoever opens an old address while signed in is asked, not told a falsehood."""
    address = town.url("/logout/done?result=gone")
    assert browser.open(address).says("您已退出")
    register(town, browser, newcomer(town))
    assert browser.open(address).location == town.url("/logout")


def test_ended_devices_are_told_also_without_an_application(town: Town, browser: Browser) -> None:
    """Most devices have no app signed in; an act without an answer would look like one that failed."""
    person = newcomer(town)
    register(town, browser, person)
    for _ in range(2):
        other = Browser()
        login = other.open(town.url("/login"))
        values = {"identifier": person.phone, "password": PASSWORD}
        town.settle(other, other.submit(login, login.form("identifier"), values))
        other.close()
    page = browser.open(town.url("/connected"))
    one = town.settle(browser, browser.submit(page, page.form("device"), button="end"))
    assert one.says("已结束 1 台设备上的登录")
    all_others = next(form for form in one.document.forms if any(each.value == "end_others" for each in form.buttons))
    rest = town.settle(browser, browser.submit(one, all_others, button="end_others"))
    assert rest.says("已结束 1 台设备上的登录")
    assert not rest.has_form("device")
