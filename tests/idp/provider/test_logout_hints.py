"""Area E crossed with areas A and G: whatever is bent about a hint or an address, nobody is signed out unasked or sent elsewhere."""

from collections.abc import Callable

import pytest

from foundation.signing import KeyRing
from idp.provider.clients.metadata import ClientMetadata
from idp.provider.errors import InvalidClientMetadata
from idp.provider.registration.register import ClientRegistration
from idp.provider.registration.rules import check_registration
from tests.idp.provider.bent_jwts import MUTATIONS
from tests.idp.provider.test_redirect_uris import FOREIGN
from tests.idp.provider.world import HOUSING, START, Browser, World, claims_of_jwt

BYE = "https://gzf.test/bye"
BENT_ADDRESSES = {name: uri.replace("/cb", "/bye").replace("lang=en", "x=1") for name, uri in FOREIGN.items()}


async def _is_signed_in(browser: Browser) -> bool:
    response = await browser.authorize(prompt="none")
    return "error=login_required" not in response.headers["location"]


@pytest.fixture(scope="module")
async def hint(shared_browser: Browser) -> str:
    """A sound ID token of the shared session."""
    token: str = (await shared_browser.tokens_for())["id_token"]
    return token


@pytest.mark.parametrize("address", BENT_ADDRESSES.values(), ids=BENT_ADDRESSES.keys())
async def test_bent_address_is_never_followed(shared_browser: Browser, hint: str, address: str) -> None:
    """L02: with a genuine hint, as a GET and as a POST: an error page, no Location, and the session lives."""
    form = {"id_token_hint": hint, "post_logout_redirect_uri": address, "state": "s"}
    for response in (await shared_browser.get("/oauth/logout", form), await shared_browser.post("/oauth/logout", form)):
        assert response.status_code == 400
        assert "location" not in response.headers
        assert response.json()["shown"] == "invalid_request"
    assert await _is_signed_in(shared_browser)


@pytest.mark.parametrize("bend", MUTATIONS.values(), ids=MUTATIONS.keys())
async def test_bent_hint_counts_as_none(shared_browser: Browser, hint: str, bend: Callable[[str], str]) -> None:
    """L03: the person is asked, as without any hint."""
    form = {"id_token_hint": bend(hint), "post_logout_redirect_uri": BYE, "client_id": "gzf"}
    response = await shared_browser.post("/oauth/logout", form)
    if response.status_code == 400:
        # Larger than any form may be.
        assert "location" not in response.headers
    else:
        assert "confirm" in response.json()
    assert await _is_signed_in(shared_browser)


async def test_sound_hint_beside_them_works(world: World, browser: Browser) -> None:
    """Positive control: registered address, genuine hint, state as it came."""
    tokens = await browser.tokens_for()
    form = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BYE, "state": "s", "client_id": "gzf"}
    response = await browser.post("/oauth/logout", form)
    assert response.headers["location"] == f"{BYE}?state=s"
    assert not await _is_signed_in(browser)


async def test_expired_hint_still_names_the_session(world: World, browser: Browser) -> None:
    """RP-Initiated Logout §2: an app keeps its ID token longer than that is valid."""
    tokens = await browser.tokens_for()
    world.later(minutes=14)
    await world.provider.feed.catch_up()
    assert claims_of_jwt(tokens["id_token"])["exp"] < world.now.timestamp()
    response = await browser.get("/oauth/logout", {"id_token_hint": tokens["id_token"]})
    assert response.json()["signed_out"] is True


async def test_other_tokens_of_ours_are_no_hint(world: World, browser: Browser) -> None:
    """L03: an access token and a signed answer are genuine, but not ID tokens."""
    tokens = await browser.tokens_for()
    for other in (tokens["access_token"], _logout_token(world, tokens["id_token"])):
        assert "confirm" in (await browser.get("/oauth/logout", {"id_token_hint": other})).json()
    assert await _is_signed_in(browser)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("client_id", [None, "gzf", "nobody"])
async def test_forced_sign_out_only_asks(shared_browser: Browser, method: str, client_id: str | None) -> None:
    """L01, L05: an image or a form on another site shows at most a question, even with the cookie."""
    form = {"post_logout_redirect_uri": BYE} | ({"client_id": client_id} if client_id else {})
    send = shared_browser.get if method == "GET" else shared_browser.post
    response = await send("/oauth/logout", form)
    assert "location" not in response.headers
    assert "confirm" in response.json()
    assert await _is_signed_in(shared_browser)


async def test_signed_out_means_everywhere(world: World, browser: Browser) -> None:
    """L06: access token, refresh token, code and cookie of the session are dead; the cookie brought back opens nothing."""
    tokens = await browser.tokens_for(scope="openid profile offline_access")
    code = await browser.code_for()
    await browser.get("/oauth/logout", {"id_token_hint": tokens["id_token"]})
    assert (await world.userinfo(tokens["access_token"])).status_code == 401
    refreshed = await world.token("gzf", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refreshed.json()["error"] == "invalid_grant"
    assert (await browser.redeem(code)).json()["error"] == "invalid_grant"
    assert not await _is_signed_in(browser)


FRAMES = {
    "L10 script": "javascript:alert(1)",
    "L10 mixed-case script": "JaVaScRiPt:alert(1)",
    "L10 data": "data:text/html,x",
    "L10 other host": "https://evil.test/out",
    "L10 subdomain": "https://x.gzf.test/out",
    "L10 other port": "https://gzf.test:8443/out",
    "L10 plain http": "http://gzf.test/out",
    "L10 user part": "https://gzf.test@evil.test/out",
    "L10 fragment": "https://gzf.test/out#x",
    "L10 wildcard": "https://gzf.test/*",
    "L10 relative": "//gzf.test/out",
    "L10 dot segment": "https://gzf.test/a/../out",
    "L10 escaped line end": "https://gzf.test/out%0d%0ax",
    "L10 header of our policy": "https://gzf.test/out; script-src *",
}


@pytest.mark.parametrize("address", FRAMES.values(), ids=FRAMES.keys())
def test_frame_address_of_elsewhere_is_not_registered(address: str) -> None:
    """Front-Channel Logout §2: scheme, host and port are those of a redirect URI."""
    with pytest.raises(InvalidClientMetadata):
        check_registration(_framed(address), now=START)


def test_frame_address_of_the_app_is_registered() -> None:
    """Positive control, with a query of its own."""
    check_registration(_framed("https://gzf.test/out?from=id"), now=START)


def _framed(address: str) -> ClientRegistration:
    metadata = ClientMetadata(frontchannel_logout_uri=address)
    return ClientRegistration(
        client_id="framed",
        name_zh="老系统",
        name_en="Old app",
        department_id="housing",
        redirect_uris=HOUSING.redirect_uris,
        scopes=("openid",),
        metadata=metadata,
    )


def _logout_token(world: World, id_token: str) -> str:
    keys: KeyRing = world.provider.keys
    claims = claims_of_jwt(id_token) | {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}
    return keys.sign_jwt(claims, purpose="oidc", alg="ES256", typ="logout+jwt", now=world.now)
