"""Sign-ins that are asked for in one place and answered in another: the device flow and CIBA."""

import time

from gateway.stories.browser import Page, without_query
from gateway.stories.provider.app import App
from gateway.stories.provider.cast import LOGIN, ProviderCast
from gateway.stories.provider.registering import CIBA, DEVICE_CODE
from gateway.stories.story import NotAsTold, expect

MOST_POLLS = 6


def sign_in_a_kiosk(cast: ProviderCast) -> str:
    """The kiosk shows a code, the citizen enters it in her own browser, and the kiosk is let in (RFC 8628)."""
    app = cast.apps["baseline"]
    begun = app.post(str(cast.metadata["device_authorization_endpoint"]), {"scope": "openid profile"})
    expect(begun.status_code == 200, f"the device request answered {begun.status_code}")
    asked = begun.json()
    form = {"grant_type": DEVICE_CODE, "device_code": str(asked["device_code"])}
    expect(app.refusal(form) == "authorization_pending", "the kiosk was not told to wait")
    page = cast.citizen.settle(cast.citizen.open(str(asked["verification_uri"])), within=[cast.world.issuer])
    if page.has_form("identifier", "password"):
        page = _settled(cast, cast.sign_in(page))
    page = _settled(cast, cast.citizen.submit(page, page.form("user_code"), {"user_code": str(asked["user_code"])}))
    _confirm(cast, page)
    tokens = _poll(app, form, float(asked["interval"]))
    claims = app.verified(tokens["id_token"], check_nonce=False)
    expect(claims["sub"] == cast.subject, "the kiosk got another subject than the app it belongs to")
    expect(app.refusal(form) == "invalid_grant", "the device code was taken twice")
    return f"user code {'·' * len(asked['user_code'])} entered, confirmed; the kiosk is in, once"


def confirm_at_the_counter(cast: ProviderCast) -> str:
    """The counter asks with a binding message, the citizen confirms under her account, and the counter is told (CIBA, poll)."""
    app = cast.apps["baseline"]
    wanted = {
        "scope": "openid profile",
        "login_hint": cast.resident.user_name or "",
        "binding_message": "3号窗口 A12",
    }
    begun = app.post(str(cast.metadata["backchannel_authentication_endpoint"]), wanted)
    expect(begun.status_code == 200, f"the request of the counter answered {begun.status_code} {begun.text}")
    asked = begun.json()
    form = {"grant_type": CIBA, "auth_req_id": str(asked["auth_req_id"])}
    expect(app.refusal(form) == "authorization_pending", "the counter was not told to wait")
    waiting = _settled(cast, cast.citizen.open(f"{cast.world.issuer}/confirmations"))
    paths = [link.href for link in waiting.document.links if link.href.startswith("/confirmations/")]
    expect(bool(paths), "the request does not wait under the account")
    page = cast.citizen.follow_link(waiting, paths[0])
    expect(page.says("3号窗口 A12"), "the page does not show the binding message")
    _confirm(cast, page)
    tokens = _poll(app, form, float(asked["interval"]))
    claims = app.verified(tokens["id_token"], check_nonce=False)
    expect(claims["sub"] == cast.subject, "the counter got another subject than the app it belongs to")
    expect(app.refusal(form) == "invalid_grant", "the request was redeemed twice")
    return "confirmed under the account; the counter was told, once"


def _confirm(cast: ProviderCast, page: Page) -> None:
    form = page.form()
    for found in page.document.forms:
        if any(button.name == "decision" for button in found.buttons):
            form = found
    everything = {"claims": form.choices["claims"]} if "claims" in form.choices else {}
    done = _settled(cast, cast.citizen.submit(page, form, everything, button="yes"))
    expect(done.status == 200, f"after the answer there is {done.describe()}")


def _settled(cast: ProviderCast, page: Page) -> Page:
    page = cast.citizen.settle(page, within=[cast.world.issuer])
    if without_query(page.url) == f"{cast.world.issuer}{LOGIN}":
        page = cast.citizen.settle(cast.sign_in(page), within=[cast.world.issuer])
    return page


def _poll(app: App, form: dict[str, str], interval_s: float) -> dict[str, str]:
    for _ in range(MOST_POLLS):
        time.sleep(interval_s)
        answer = app.post(str(app.metadata["token_endpoint"]), form)
        if answer.status_code == 200:
            return dict(answer.json())
        expect(answer.json()["error"] in ("authorization_pending", "slow_down"), f"refused: {answer.json()['error']}")
    raise NotAsTold("the answer never reached the app")
