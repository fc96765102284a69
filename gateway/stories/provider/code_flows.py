"""The code flow under each policy, from the redirect to the end of the tokens."""

import json
from typing import Any

from gateway.stories.html import Form
from gateway.stories.provider.app import App
from gateway.stories.provider.cast import ProviderCast, parameters_of
from gateway.stories.story import NotAsTold, expect


def go_through_baseline(cast: ProviderCast) -> str:
    """Code with PKCE; the ID token verifies, userinfo says what was agreed to."""
    app = cast.apps["baseline"]
    asked = app.request(scope="openid profile realname offline_access")
    answer = _answered(cast, app, app.address(asked))
    tokens = app.redeem(answer["code"])
    claims = app.verified(tokens["id_token"])
    told = app.get(str(cast.metadata["userinfo_endpoint"]), tokens["access_token"]).json()
    expect(told["sub"] == claims["sub"], "userinfo speaks of somebody else")
    expect(told["name"] == cast.resident.name, "userinfo tells another name")
    expect(app.refusal(_code_again(app, answer["code"])) == "invalid_grant", "the code was taken twice")
    cast.subject = str(claims["sub"])
    return f"acr {claims['acr']}, name told by userinfo, the code works once"


def refresh_and_rotate(cast: ProviderCast) -> str:
    """A refresh token rotates, and an old one ends the family. The code of the step before was replayed, so a new one is needed."""
    app = cast.apps["baseline"]
    answer = _answered(cast, app, app.address(app.request(scope="openid profile realname offline_access")))
    first = app.redeem(answer["code"])
    second = app.token({"grant_type": "refresh_token", "refresh_token": first["refresh_token"]})
    expect(second["refresh_token"] != first["refresh_token"], "the refresh token did not rotate")
    old = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    expect(app.refusal(old) == "invalid_grant", "a rotated refresh token was taken")
    newest = {"grant_type": "refresh_token", "refresh_token": second["refresh_token"]}
    expect(app.refusal(newest) == "invalid_grant", "the family outlived the reuse")
    return "rotated once; the reuse ended the family"


def have_a_refusal_told(cast: ProviderCast) -> str:
    """The citizen says no, and the app is told so in the registered place with state and iss."""
    app = cast.apps["baseline"]
    page = cast.citizen.open(app.address(app.request(scope="openid profile realname", prompt="consent")))
    told = parameters_of(cast.come_back(page, app, agree=False))
    expect(told["error"] == "access_denied", f"the app was told {told.get('error')}")
    _expect_ours(cast, app, told)
    return "access_denied, with state and iss"


def go_through_high(cast: ProviderCast) -> str:
    """PAR, private_key_jwt, DPoP: tokens are bound to the key, and a plain bearer of them gets nothing."""
    app = cast.apps["high"]
    asked = app.request(scope="openid profile realname offline_access")
    plain = cast.citizen.open(app.address(asked))
    expect("code=" not in (plain.location or ""), "a request that was not pushed was answered with a code")
    answer = _answered(cast, app, app.push(asked))
    tokens = app.redeem(answer["code"])
    expect(tokens["token_type"] == "DPoP", f"the token is of type {tokens['token_type']}")
    claims = app.verified(tokens["id_token"])
    userinfo = str(cast.metadata["userinfo_endpoint"])
    told = app.get(userinfo, tokens["access_token"])
    expect(told.status_code == 200, f"userinfo answered {told.status_code}")
    stolen = cast.program.get(userinfo, headers={"Authorization": f"Bearer {tokens['access_token']}"})
    expect(stolen.status_code == 401, f"as a plain bearer token it was answered {stolen.status_code}")
    cast.tokens["high"] = tokens
    subject = "another" if claims["sub"] != cast.subject else "the same"
    expect(subject == "another", "two sectors see the same subject")
    return "bound token, useless without the key; another subject than the first app's"


def refresh_with_the_key(cast: ProviderCast) -> str:
    """The refresh token of `high` is bound to the client and its key, so it stays; the new access token is bound too."""
    app = cast.apps["high"]
    again = app.token({"grant_type": "refresh_token", "refresh_token": cast.tokens["high"]["refresh_token"]})
    expect(again["token_type"] == "DPoP", "the refreshed token is not bound")
    told = app.get(str(cast.metadata["userinfo_endpoint"]), again["access_token"])
    expect(told.status_code == 200, f"userinfo answered {told.status_code}")
    return "refreshed and bound"


def go_through_high_signed(cast: ProviderCast) -> str:
    """JAR inside PAR, JARM in the answer: each message can be shown to a judge."""
    app = cast.apps["high-signed"]
    asked = app.request(response_mode="jwt")
    unsigned = app.refusal(asked, endpoint="pushed_authorization_request_endpoint")
    page = cast.citizen.open(app.push(app.signed_request(asked)))
    told = parameters_of(cast.come_back(page, app))
    expect(set(told) == {"response"}, f"the answer carries {sorted(told)} beside the signed one")
    answer = app.verified(told["response"], check_nonce=False)
    expect(answer["state"] == app.state, "another state came back")
    tokens = app.redeem(str(answer["code"]))
    app.verified(tokens["id_token"])
    return f"unsigned: {unsigned}; signed both ways, token {tokens['token_type']}"


def go_through_legacy(cast: ProviderCast) -> str:
    """A hybrid answer by form_post: the ID token from the front binds the code by c_hash."""
    app = cast.apps["legacy"]
    asked = app.request(response_type="code id_token", response_mode="form_post")
    form = _posted_form(cast, app, asked)
    told = dict(form.fields)
    expect(told["state"] == app.state, "another state came back")
    front = app.verified(told["id_token"])
    expect("c_hash" in front, "the front-channel ID token does not bind the code")
    tokens = app.redeem(told["code"])
    back = app.verified(tokens["id_token"])
    expect(front["sub"] == back["sub"], "two ID tokens of one sign-in speak of two persons")
    return "code and ID token by form_post, bound by c_hash"


def ask_how_the_name_was_verified(cast: ProviderCast) -> str:
    """Identity assurance: the app asks for the verified name with its evidence, and says what for."""
    app = cast.apps["baseline"]
    wanted = {
        "userinfo": {
            "verified_claims": {
                "verification": {"trust_framework": None, "time": None},
                "claims": {"name": {"purpose": "核对申请人姓名"}},
            }
        }
    }
    asked = app.request(scope="openid realname", claims=json.dumps(wanted, ensure_ascii=False))
    answer = _answered(cast, app, app.address(asked))
    tokens = app.redeem(answer["code"])
    told = app.get(str(cast.metadata["userinfo_endpoint"]), tokens["access_token"]).json()
    verified: dict[str, Any] = told.get("verified_claims") or {}
    expect(verified != {}, "userinfo tells no verified claims")
    expect(verified["claims"]["name"] == cast.resident.name, "another name is verified")
    framework = verified["verification"]["trust_framework"]
    supported = cast.metadata["trust_frameworks_supported"]
    expect(framework in supported, f"the trust framework {framework} is not announced")
    return f"name verified under {framework}"


def _answered(cast: ProviderCast, app: App, address: str) -> dict[str, str]:
    told = parameters_of(cast.come_back(cast.citizen.open(address), app))
    expect("code" in told, f"the app got no code but {told.get('error')}")
    _expect_ours(cast, app, told)
    return told


def _expect_ours(cast: ProviderCast, app: App, told: dict[str, str]) -> None:
    expect(told["state"] == app.state, "another state came back")
    expect(told["iss"] == cast.world.issuer, "iss names somebody else (RFC 9207)")


def _code_again(app: App, code: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": app.redirect_uri,
        "code_verifier": app.verifier,
    }


def _posted_form(cast: ProviderCast, app: App, asked: dict[str, str]) -> Form:
    """Walk to the page whose form posts the answer to the app, and return the form."""
    issuer, browser = cast.world.issuer, cast.citizen
    page = browser.open(app.address(asked))
    for _ in range(12):
        for form in page.document.forms:
            if form.action == app.redirect_uri:
                return form
        if page.location is not None:
            page = browser.hop(page, issuer)
        elif page.has_form("identifier", "password"):
            page = cast.sign_in(page)
        else:
            page = cast.answer(page, agree=True)
    raise NotAsTold("no page posts the answer to the app")
