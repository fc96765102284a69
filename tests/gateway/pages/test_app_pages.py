"""An application, the upper center, consent and sign-out, as a citizen's browser meets them."""

from urllib.parse import urlencode

import httpx2
import pytest

from gateway.stories.browser import Browser, Page
from tests.gateway.pages.people import PASSWORD, newcomer, register
from tests.gateway.town import Town

HOUSING, BUSINESS = "housing-app", "business-app"


def to_login(town: Town, browser: Browser, app: str = HOUSING) -> Page:
    """Open the app and follow it to the sign-in page."""
    return town.settle(browser, browser.open(f"{town.app(app)}/sign-in"))


def to_consent(town: Town, browser: Browser, app: str = HOUSING) -> Page:
    """Open the app and sign in with the password of somebody new, as far as the consent page."""
    person = newcomer(town)
    register(town, browser, person)
    page = to_login(town, browser, app)
    assert page.url.startswith(town.url("/consent?"))
    return page


def signed_in_at(town: Town, browser: Browser, app: str) -> bool:
    """Ask the app whether it knows this browser."""
    return browser.json(f"{town.app(app)}/api/me")[0] == 200


def test_sign_in_page_names_the_application(town: Town, browser: Browser) -> None:
    """Who asks, which department, on which host: before anything is typed in."""
    page = to_login(town, browser)
    assert page.says("公共租赁住房资格申请", "青榆区住房和城乡建设局", f"127.0.0.1:{town.places.port_of(HOUSING)}")
    policy = page.headers["content-security-policy"]
    assert town.app(HOUSING) in policy.split("form-action", 1)[1].split(";")[0]


def test_first_arrival_from_the_center_asks_before_an_account_is_made(
    town: Town, browser: Browser, other_browser: Browser
) -> None:
    """“Not me” leaves nothing behind; “yes” opens the account and goes on to the app's consent."""
    for answer in ("no", "yes"):
        page = to_login(town, browser)
        form = page.form("csrf_token", action="/sign-in/centers/province")
        center = town.settle(browser, browser.submit(page, form))
        chosen = browser.submit(center, center.form("person"), button="chenmulan")
        assert chosen.location is not None
        callback = chosen.location
        arrival = town.settle(browser, chosen)
        assert arrival.url.startswith(town.url("/sign-in/arrival?"))
        assert arrival.says("省统一身份认证平台")
        replayed = browser.open(callback)
        assert (replayed.status, replayed.location) == (400, None)
        stolen = other_browser.open(arrival.url)
        assert stolen.location == town.url("/login?notice=expired")
        after = town.settle(browser, browser.submit(arrival, arrival.form("decision"), button=answer))
        if answer == "no":
            assert after.says("收到的信息已经丢弃")
            assert browser.open(town.url("/account")).location is not None
        else:
            assert after.url.startswith(town.url("/consent?"))


def test_center_that_refuses_leads_back_to_the_other_ways(town: Town, browser: Browser) -> None:
    """The page says that it did not work, and the application still waits."""
    page = to_login(town, browser)
    center = town.settle(browser, browser.submit(page, page.form("csrf_token", action="/sign-in/centers/province")))
    refused = browser.submit(center, center.form("person"), altered={"person": "", "decision": "refuse"})
    told = town.settle(browser, refused)
    assert told.status in (403, 400)
    assert told.says("没有登录成功")
    back = browser.follow_link(told, "/login")
    assert back.says("公共租赁住房资格申请")


def test_callback_with_foreign_or_repeated_parameters_signs_nobody_in(town: Town, browser: Browser) -> None:
    """A state that this browser did not begin is no state (F04)."""
    for query in ("", "?code=x&state=y", "?state=a&state=b&code=c", "?error=access_denied&state=%00"):
        answer = browser.open(town.url(f"/sign-in/centers/province/callback{query}"))
        assert (answer.status, answer.location) == (400, None), query
    assert browser.open(town.url("/account")).location is not None


def test_center_that_is_down_says_so(town: Town, browser: Browser) -> None:
    """One way in that fails harms no other."""
    center = town.app("province-center")
    fault = {"operation": "*", "kind": "status", "status": 503, "times": None}
    page = to_login(town, browser)
    httpx2.post(f"{center}/_faults", json=fault, trust_env=False)
    try:
        form = page.form("csrf_token", action="/sign-in/centers/province")
        answer = browser.submit(page, form)
        if answer.location is None:
            assert answer.status in (502, 503)
            assert answer.says("没有登录成功")
        else:
            # Its metadata were still known: then the center itself answers, and the way back is open.
            assert answer.location.startswith(center)
    finally:
        httpx2.delete(f"{center}/_faults", trust_env=False)


def test_consent_shows_masked_values_and_wants_each_sensitive_item_ticked(town: Town, browser: Browser) -> None:
    """PIPL Art. 29: agreeing to everything at once is no consent to what is sensitive."""
    page = to_consent(town, browser)
    assert page.says("何*舒", "单独同意")
    back = browser.submit(page, page.form("decision"), button="yes")
    assert back.status == 422
    assert back.document.title.startswith("错误：")
    agreed = browser.submit(
        back, back.form("decision"), {"claims": back.form("decision").choices["claims"]}, button="yes"
    )
    assert agreed.location is not None
    assert agreed.location.startswith(f"{town.app(HOUSING)}/callback?")
    town.settle(browser, agreed)
    assert signed_in_at(town, browser, HOUSING)
    connected = browser.open(town.url("/connected"))
    assert connected.says("公共租赁住房资格申请", "登录中")


def test_application_is_opened_from_the_own_page(town: Town, browser: Browser) -> None:
    """OpenID Connect Core §4: the link starts the app's own sign-in, and only for the issuer that the app knows."""
    page = to_consent(town, browser)
    form = page.form("decision")
    town.settle(browser, browser.submit(page, form, {"claims": form.choices["claims"]}, button="yes"))
    connected = browser.open(town.url("/connected"))
    assert connected.says("进入应用")
    started = browser.follow_link(connected, "/sign-in")
    assert started.url == f"{town.app(HOUSING)}/sign-in?{urlencode({'iss': town.issuer})}"
    assert started.location is not None
    assert started.location.startswith(town.url("/oauth/authorize?"))
    assert town.settle(browser, started).url.startswith(town.app(HOUSING))
    assert signed_in_at(town, browser, HOUSING)
    foreign = browser.open(f"{town.app(HOUSING)}/sign-in?iss=https%3A%2F%2Fevil.test")
    assert (foreign.status, foreign.location) == (400, None)


def test_refused_consent_tells_the_application_and_nothing_else(town: Town, browser: Browser) -> None:
    """The refusal is as near as the consent and gives nothing away."""
    page = to_consent(town, browser)
    refused = browser.submit(page, page.form("decision"), button="no")
    assert refused.location is not None
    assert "error=access_denied" in refused.location
    assert "code=" not in refused.location
    assert not signed_in_at(town, browser, HOUSING)


def test_consent_of_another_browser_is_no_consent(town: Town, browser: Browser, other_browser: Browser) -> None:
    """A transaction in an address belongs to the browser that began it; the stranger is never redirected."""
    page = to_consent(town, browser)
    stolen = other_browser.open(page.url)
    assert (stolen.status, stolen.location) == (400, None)
    assert stolen.says("21005")


def test_expired_authorization_is_told_and_never_redirected(town: Town, browser: Browser) -> None:
    """The page says to start again from the application."""
    for path in ("/login", "/consent", "/sign-in/continue"):
        answer = browser.open(town.url(f"{path}?transaction=unknown"))
        assert (answer.status, answer.location) == (400, None)
        assert answer.says("21005")


def test_second_question_says_what_is_agreed_already_and_claims_no_news(town: Town, browser: Browser) -> None:
    """An application may have the question asked again (`prompt=consent`); then the page does not speak of anything new."""
    page = to_consent(town, browser)
    form = page.form("decision")
    town.settle(browser, browser.submit(page, form, {"claims": form.choices["claims"]}, button="yes"))
    asked = browser.open(f"{town.app(HOUSING)}/sign-in").location
    assert asked is not None
    again = town.settle(browser, browser.open(f"{asked}&prompt=consent"))
    assert again.url.startswith(town.url("/consent?"))
    assert again.says("继续吗", "这次没有新的内容", "您已同意提供")
    assert not again.says("还要把以下信息")
    agreed = browser.submit(again, again.form("decision"), button="yes")
    assert agreed.location is not None
    assert agreed.location.startswith(f"{town.app(HOUSING)}/callback?")


def test_withdrawn_consent_is_asked_for_again(town: Town, browser: Browser) -> None:
    """Withdrawing is as easy as agreeing was, and it counts at once."""
    page = to_consent(town, browser, BUSINESS)
    form = page.form("decision")
    town.settle(browser, browser.submit(page, form, {"claims": form.choices["claims"]}, button="yes"))
    connected = browser.open(town.url("/connected"))
    told = town.settle(browser, browser.submit(connected, connected.form("app"), button="revoke"))
    assert told.says("已撤回：企业开办服务", "已退出：企业开办服务", "对方已确认")
    assert not signed_in_at(town, browser, BUSINESS)
    assert to_login(town, browser, BUSINESS).url.startswith(town.url("/consent?"))


def test_one_application_is_left_and_says_so(town: Town, browser: Browser) -> None:
    """The person stays signed in here, and comes back to the app without a question."""
    page = to_consent(town, browser)
    form = page.form("decision")
    town.settle(browser, browser.submit(page, form, {"claims": form.choices["claims"]}, button="yes"))
    connected = browser.open(town.url("/connected"))
    told = town.settle(browser, browser.submit(connected, connected.form("app"), button="sign_out"))
    assert told.says("已退出：公共租赁住房资格申请", "对方已确认", "未登录")
    assert not told.says("只退出这个应用")
    assert not signed_in_at(town, browser, HOUSING)
    assert to_login(town, browser).url.startswith(town.app(HOUSING))
    assert signed_in_at(town, browser, HOUSING)


def test_sign_out_ends_every_application_and_says_so_truthfully(town: Town, browser: Browser) -> None:
    """One button; the page waits for the applications' answers and names each (Keycloak #21656 the other way round)."""
    page = to_consent(town, browser)
    form = page.form("decision")
    town.settle(browser, browser.submit(page, form, {"claims": form.choices["claims"]}, button="yes"))
    question = browser.open(town.url("/logout"))
    assert question.says("公共租赁住房资格申请")
    assert signed_in_at(town, browser, HOUSING)
    done = town.settle(browser, browser.submit(question, question.form("decision", action="/logout"), button="yes"))
    assert done.says("您已退出", "公共租赁住房资格申请", "对方已确认")
    assert not signed_in_at(town, browser, HOUSING)
    assert browser.open(town.url("/licenses")).location is not None


def test_application_that_is_down_is_not_said_to_be_signed_out(town: Town, browser: Browser) -> None:
    """An app that does not answer is shown as being told, never as done."""
    page = to_consent(town, browser, BUSINESS)
    form = page.form("decision")
    town.settle(browser, browser.submit(page, form, {"claims": form.choices["claims"]}, button="yes"))
    with town.broken(BUSINESS):
        question = browser.open(town.url("/logout"))
        done = town.settle(browser, browser.submit(question, question.form("decision", action="/logout"), button="yes"))
        assert done.says("正在通知", "刷新结果")
        assert not done.says("对方已确认")


def test_looking_at_the_sign_out_page_ends_nothing(town: Town, browser: Browser) -> None:
    """An image or a link to /logout on a foreign page signs nobody out (L05)."""
    register(town, browser, newcomer(town))
    assert browser.open(town.url("/logout")).status == 200
    assert browser.open(town.url("/account")).status == 200


def test_other_devices_can_be_ended_and_a_new_password_ends_them_too(
    town: Town, browser: Browser, other_browser: Browser
) -> None:
    """What the page says about devices is what happens to them."""
    person = newcomer(town)
    register(town, browser, person)
    for act in ("end_others", "password"):
        page = other_browser.open(town.url("/login"))
        values = {"identifier": person.phone, "password": PASSWORD}
        town.settle(other_browser, other_browser.submit(page, page.form("identifier"), values))
        assert other_browser.open(town.url("/account")).status == 200
        if act == "end_others":
            devices = browser.open(town.url("/connected"))
            button = next(form for form in devices.document.forms if any(b.value == act for b in form.buttons))
            town.settle(browser, browser.submit(devices, button, button=act))
        else:
            account = browser.open(town.url("/account"))
            words = {
                "current_password": PASSWORD,
                "password": "Another-Long-Evening-7",
                "password_again": "Another-Long-Evening-7",
            }
            saved = town.settle(browser, browser.submit(account, account.form("current_password"), words))
            assert saved.says("密码已修改")
        assert other_browser.open(town.url("/account")).location is not None, act
        assert browser.open(town.url("/account")).status == 200


@pytest.mark.parametrize("path", ["/licenses", "/accesses", "/accesses/export", "/connected", "/account", "/desk"])
def test_nothing_personal_without_a_session(town: Town, browser: Browser, path: str) -> None:
    """Every page of a person asks for the sign-in first."""
    answer = browser.open(town.url(path))
    assert answer.status == 303
    assert answer.location is not None
    assert "/login" in answer.location
