"""Signing out at an app's request, and what the page says about every app."""

from urllib.parse import urlencode

from gateway.stories.provider.cast import ProviderCast, parameters_of
from gateway.stories.story import expect, wait_until

EVERYWHERE_S = 5.0
"""Within so many seconds every node knows of a sign-out."""


def sign_out_from_an_app(cast: ProviderCast) -> str:
    """With its ID token as hint the app signs the citizen out and has her back at its registered address; all tokens are over."""
    app = cast.apps["baseline"]
    answer = parameters_of(cast.come_back(cast.citizen.open(app.address(app.request())), app))
    tokens = app.redeem(answer["code"])
    wish = {
        "id_token_hint": tokens["id_token"],
        "post_logout_redirect_uri": str(app.registered["post_logout_redirect_uris"][0]),
        "state": app.state,
    }
    page = cast.citizen.open(f"{cast.metadata['end_session_endpoint']}?{urlencode(wish)}")
    target = page.location or ""
    if not target:
        link = next(
            (one.href for one in page.document.links if one.href.startswith(wish["post_logout_redirect_uri"])), ""
        )
        target = link
    expect(target.startswith(wish["post_logout_redirect_uri"]), f"after signing out there is {page.describe()}")
    expect(parameters_of(target).get("state") == app.state, "another state came back")

    def is_over() -> bool | None:
        return app.get(str(cast.metadata["userinfo_endpoint"]), tokens["access_token"]).status_code == 401 or None

    wait_until(is_over, seconds=EVERYWHERE_S, otherwise="the access token outlived the sign-out")
    silent = cast.citizen.open(app.address(app.request(prompt="none")))
    # Nobody has reviewed an app that registered itself: the person is asked before going there with a refusal.
    link = next((one.href for one in silent.document.links if one.href.startswith(app.redirect_uri)), "")
    refused = parameters_of(silent.location or link)
    expect(refused.get("error") == "login_required", "the session outlived the sign-out")
    return "back at the app; token and session are over"


def leave_nothing_to_strangers(cast: ProviderCast) -> str:
    """An address that is not registered is never followed, whoever asks."""
    app = cast.apps["baseline"]
    wish = {"client_id": app.client_id, "post_logout_redirect_uri": "https://elsewhere.test/"}
    page = cast.citizen.open(f"{cast.metadata['end_session_endpoint']}?{urlencode(wish)}")
    expect("elsewhere.test" not in (page.location or ""), "an unregistered address was followed")
    return page.describe()
