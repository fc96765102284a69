"""What a person's browser says on the pages of signing in and of consent, and the rounds that begin with it."""

from collections.abc import Generator, Mapping
from urllib.parse import parse_qs, urlencode, urlsplit

from loadtests.calls import Call, Conversation, WrongAnswer, expect
from loadtests.connection import Reply
from loadtests.conversations import (
    SCOPE,
    Browser,
    authorize,
    basic,
    code_of,
    json_text,
    learn_who,
    new_verifier,
    push,
)
from loadtests.world import Citizen, World

BROWSER_COOKIE = "__Host-rz_flow"
SESSION_COOKIE = "__Host-rz_session"


def sign_in_round(world: World, browser: Browser, citizen: Citizen) -> Conversation:
    """The whole way of somebody who is not signed in, in six requests.

    Authorize, sign-in page, password, back to the authorization with its remembered consent, code for tokens, userinfo. The browser
    has signed in here before and its session is over; it forgets the new one at its next round.
    """
    browser.cookies.pop(SESSION_COOKIE, None)
    verifier = new_verifier()
    reply = yield Call("GET", authorize(world, verifier).target, browser.headers())
    page = place_of(reply, "/login")
    reply = yield Call("GET", page, browser.headers())
    expect(reply, 200, "sign-in page")
    browser.hear(reply)
    fields = {"transaction": parse_qs(urlsplit(page).query).get("transaction", [""])[0]}
    reply = yield from _send_password(world, browser, citizen, fields)
    reply = yield Call("GET", place_of(reply, "/sign-in/continue"), browser.headers())
    yield from learn_who(world, code_of(reply, world.redirect_uri), verifier)


def open_login(browser: Browser) -> Conversation:
    """Show the sign-in page, which gives a browser its name and its form token."""
    reply = yield Call("GET", "/login", browser.headers())
    expect(reply, 200, "sign-in page")
    browser.hear(reply)
    if not browser.csrf_token or BROWSER_COOKIE not in browser.cookies:
        raise WrongAnswer("sign-in page: no form token or no browser cookie")


def log_in(world: World, browser: Browser, citizen: Citizen) -> Conversation:
    """Sign in with the password on a page shown before; the browser keeps the session."""
    if not browser.csrf_token:
        yield from open_login(browser)
    yield from _send_password(world, browser, citizen, {})


def agree(world: World, browser: Browser) -> Conversation:
    """Go through the app's first authorization: agree to everything it asks, so that the consent is remembered."""
    yield from _agree_at(world, browser, authorize(world, new_verifier()).target, world.redirect_uri)


def agree_to_signer(world: World, browser: Browser) -> Conversation:
    """The same for the signer, whose requests are pushed."""
    target = yield from push(world, new_verifier())
    yield from _agree_at(world, browser, target, world.signer.redirect_uri)


def begin_family(world: World, browser: Browser, families: list[str]) -> Conversation:
    """Sign on with `offline_access` and append the first refresh token to `families`; the consent is given on the way if it is asked for."""
    verifier = new_verifier()
    target = authorize(world, verifier, scope=f"{SCOPE} offline_access").target
    code = yield from _agree_at(world, browser, target, world.redirect_uri, scope=f"{SCOPE} offline_access")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": world.redirect_uri,
        "code_verifier": verifier,
    }
    reply = yield Call("POST", "/oauth/token", basic(world.app), urlencode(form).encode())
    expect(reply, 200, "token")
    families.append(json_text(reply, "refresh_token"))


def place_of(reply: Reply, path: str) -> str:
    """Return the target in origin form to which a redirect after a page or a form leads; it has to have this path."""
    expect(reply, 303, path)
    address = urlsplit(reply.header("location"))
    if address.path != path and not address.path.startswith(f"{path}/"):
        raise WrongAnswer(f"redirect to {address.path} instead of {path}")
    return f"{address.path}?{address.query}" if address.query else address.path


def _send_password(
    world: World, browser: Browser, citizen: Citizen, goal: Mapping[str, str]
) -> Generator[Call, Reply, Reply]:
    form = {
        "csrf_token": browser.csrf_token,
        "identifier": citizen.identifier,
        "password": citizen.password,
        **goal,
    }
    reply = yield Call("POST", "/login", _from_own_page(world, browser), urlencode(form).encode())
    expect(reply, 303, "sign-in")
    if SESSION_COOKIE not in reply.cookies():
        raise WrongAnswer("sign-in: no session cookie")
    browser.hear(reply)
    return reply


def _agree_at(
    world: World, browser: Browser, target: str, redirect_uri: str, *, scope: str = SCOPE
) -> Generator[Call, Reply, str]:
    """Open the authorization, agree to everything when the page comes, and return the code."""
    reply = yield Call("GET", target, browser.headers())
    address = urlsplit(reply.header("location"))
    if address.path != "/consent":
        return code_of(reply, redirect_uri)
    reply = yield Call("GET", f"{address.path}?{address.query}", browser.headers())
    expect(reply, 200, "consent page")
    browser.hear(reply)
    form = [
        ("csrf_token", browser.csrf_token),
        ("transaction", parse_qs(address.query)["transaction"][0]),
        ("decision", "yes"),
        *(("claims", name) for name in scope.split()[1:]),
    ]
    reply = yield Call("POST", "/consent", _from_own_page(world, browser), urlencode(form).encode())
    return code_of(reply, redirect_uri)


def _from_own_page(world: World, browser: Browser) -> Mapping[str, str]:
    return browser.headers(origin=world.issuer, **{"sec-fetch-site": "same-origin"})
