"""Point 7: one sign-out ends everything; both apps are told over the back channel."""

from gateway.stories.main.cast import Cast
from gateway.stories.story import expect, wait_until

TOLD_WITHIN_S = 5.0
_APPS = ("housing", "business")


def sign_out_once(cast: Cast) -> str:
    """The citizen signs out at the product, and the result page names both apps."""
    browser, issuer = cast.citizen, cast.world.issuer
    for app in _APPS:
        status, _ = browser.json(f"{cast.world.urls[app]}/api/me")
        expect(status == 200, f"the {app} app has no live session to end: {status}")
    asked = browser.open(f"{issuer}/logout")
    expect(asked.status == 200, f"the sign-out page answered {asked.describe()}")
    done = browser.settle(browser.submit(asked, asked.form(action="/logout"), button="yes"), within=[issuer])
    expect(done.says("公共租赁住房资格申请", "企业开办服务"), f"{done.describe()} does not name both apps")
    after = browser.open(f"{issuer}/licenses")
    expect(after.location is not None or after.status in (401, 403), "the licenses are still open after the sign-out")
    return f"{done.describe()}: both apps named; the licenses ask for a new sign-in"


def have_both_apps_told(cast: Cast) -> str:
    """Neither app knows the citizen any more, and both say that the provider told them."""

    def look() -> str | None:
        reasons = []
        for app in _APPS:
            status, _ = cast.citizen.json(f"{cast.world.urls[app]}/api/me")
            ended = cast.program.get(f"{cast.world.urls[app]}/api/sessions").json()["ended"]
            if status != 401 or not ended or ended[-1]["reason"] != "back-channel":
                return None
            reasons.append(f"{app}: {ended[-1]['reason']}")
        return ", ".join(reasons)

    return wait_until(look, seconds=TOLD_WITHIN_S, otherwise="an app still has a live session")
