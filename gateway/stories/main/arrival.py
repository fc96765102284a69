"""Points 1 and 2: in through the provincial center, consent, the housing app; then the business app without a second sign-in."""

from typing import Any

from gateway.stories.browser import Browser, Page, without_query
from gateway.stories.main.cast import Cast
from gateway.stories.story import expect

_LOGIN = "/login"
_ARRIVAL = "/sign-in/arrival"
_CONSENT = "/consent"
HIGHEST_LEVEL = 3


def come_in_through_the_center(cast: Cast) -> str:
    """The housing app sends the citizen to sign in, and the provincial center vouches for him."""
    browser, world = cast.citizen, cast.world
    housing, issuer = world.urls["housing"], world.issuer
    start = browser.follow_link(browser.open(f"{housing}/"), "/sign-in")
    login = browser.hops(start, f"{issuer}/oauth/authorize", f"{issuer}{_LOGIN}")
    expect(login.status == 200 and login.says("公共租赁住房资格申请"), f"{login.describe()} does not name the app")
    center = f"/sign-in/centers/{world.arriving.arrives_through}"
    away = browser.submit(login, login.form(action=center))
    choice = browser.hop(away, f"{world.urls['province']}/authorize")
    back = browser.submit(choice, choice.form("person"), button=world.arriving.user_name)
    arrived = browser.hop(back, f"{issuer}{center}/callback")
    page = browser.settle(arrived, within=cast.places())
    path = without_query(page.url).removeprefix(issuer)
    if path == _ARRIVAL:
        _expect_masked(page, cast)
        page = browser.settle(browser.submit(page, page.form("flow"), button="yes"), within=cast.places())
        account = "a real-name account was opened"
    else:
        account = "the account was there from an earlier visit"
    return f"signed in at the center as {world.arriving.user_name}; {account}; {_consent(cast, page)}"


def be_in_the_housing_app(cast: Cast) -> str:
    """The housing app knows the name, the level and a subject of its own."""
    me = _who_am_i(cast.citizen, cast.world.urls["housing"])
    expect(me["name"] == cast.world.arriving.name, "the app got another name")
    expect(me["level"] == HIGHEST_LEVEL, f"the app got level {me['level']}, the center vouches for {HIGHEST_LEVEL}")
    cast.subjects["housing"] = me["sub"]
    return f"name and level {me['level']} as vouched for, acr {me['acr']}; ID token verified by the app"


def be_in_the_business_app(cast: Cast) -> str:
    """The business app gets the same citizen without a second sign-in, under another subject."""
    browser, world = cast.citizen, cast.world
    business, issuer = world.urls["business"], world.issuer
    start = browser.follow_link(browser.open(f"{business}/"), "/sign-in")
    page = browser.settle(browser.hop(start, f"{issuer}/oauth/authorize"), within=cast.places())
    consent = _consent(cast, page)
    me = _who_am_i(browser, business)
    expect(me["name"] == world.arriving.name, "the app got another name")
    expect(me["sub"] != cast.subjects["housing"], "both apps got the same subject")
    cast.subjects["business"] = me["sub"]
    return f"no sign-in page on the way; {consent}; the subject differs from the housing app's"


def _consent(cast: Cast, page: Page) -> str:
    """Agree to everything asked if the page asks, and arrive in the app."""
    browser, issuer = cast.citizen, cast.world.issuer
    apps = (cast.world.urls["housing"], cast.world.urls["business"])
    expect(f"{issuer}{_LOGIN}" not in (*page.hops, without_query(page.url)), "the citizen was asked to sign in again")
    said = "consent given before"
    if without_query(page.url) == f"{issuer}{_CONSENT}":
        _expect_masked(page, cast)
        form = page.form()
        form = page.form("claims") if page.has_form("claims") else form
        everything = {"claims": form.choices["claims"]} if "claims" in form.choices else {}
        page = browser.settle(browser.submit(page, form, everything, button="yes"), within=cast.places())
        said = f"consent given to {len(everything.get('claims', ()))} item(s)"
    expect(
        page.status == 200 and page.url.startswith(apps),
        f"the citizen should be in the app, but is at {page.describe()}",
    )
    return said


def _expect_masked(page: Page, cast: Cast) -> None:
    for secret in (cast.world.arriving.document_number, cast.world.arriving.phone):
        expect(secret not in page.body, f"{page.describe()} shows a number in full")


def _who_am_i(browser: Browser, app: str) -> dict[str, Any]:
    status, me = browser.json(f"{app}/api/me")
    expect(status == 200 and isinstance(me, dict), f"{app} does not know the citizen: {status}")
    return me if isinstance(me, dict) else {}
