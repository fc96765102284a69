"""Modules of the four sign-out plans: RP-initiated, back-channel, front-channel, session management."""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import parse_qsl, urlsplit

from joserfc import jwt

from tests.conformance.listener import Heard
from tests.conformance.registrations import SIGNED_OUT
from tests.conformance.relying_party import ASYMMETRIC, RelyingParty

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def _tampered(token: str) -> str:
    head, body, signature = token.split(".")
    middle = len(signature) // 2
    other = "A" if signature[middle] != "A" else "B"
    return ".".join((head, body, signature[:middle] + other + signature[middle + 1 :]))


def _check_not_redirected(rp: RelyingParty, **parameters: str) -> None:
    """The browser stays with the provider, whatever it then says."""
    answer = rp.logout(**parameters)
    assert answer.target is None, answer.target
    assert rp.op.is_error_page(answer.page) or rp.op.is_after_logout(answer.page), answer.page.describe()


def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(rp: RelyingParty) -> None:
    """The metadata name the endpoint at which apps ask for a sign-out (RP-Initiated Logout §2.1)."""
    assert rp.metadata["end_session_endpoint"].startswith(rp.op.issuer)


def test_oidcc_rp_initiated_logout(rp: RelyingParty) -> None:
    """With everything right the session ends and the browser comes back with its state (RP-Initiated Logout §2, §3)."""
    signed_in = rp.sign_in()
    answer = rp.logout(id_token_hint=signed_in.id_token, post_logout_redirect_uri=SIGNED_OUT, state="a b&c")
    assert answer.target is not None
    assert answer.target.partition("?")[0] == SIGNED_OUT
    assert dict(parse_qsl(urlsplit(answer.target).query)) == {"state": "a b&c"}
    assert not rp.is_signed_in()


def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(rp: RelyingParty) -> None:
    """An address that is not registered is never followed (RP-Initiated Logout §3)."""
    hint = rp.sign_in().id_token
    _check_not_redirected(rp, id_token_hint=hint, post_logout_redirect_uri="https://rp.test/elsewhere", state="s")


def test_oidcc_rp_initiated_logout_modified_id_token_hint(rp: RelyingParty) -> None:
    """A hint whose signature does not fit vouches for nobody (RP-Initiated Logout §2)."""
    hint = _tampered(rp.sign_in().id_token)
    _check_not_redirected(rp, id_token_hint=hint, post_logout_redirect_uri=SIGNED_OUT, state="s")


def test_oidcc_rp_initiated_logout_bad_id_token_hint(rp: RelyingParty) -> None:
    """A hint that is no ID token at all vouches for nobody (RP-Initiated Logout §2)."""
    rp.sign_in()
    _check_not_redirected(rp, id_token_hint="not.a.token", post_logout_redirect_uri=SIGNED_OUT, state="s")


def test_oidcc_rp_initiated_logout_no_id_token_hint(rp: RelyingParty) -> None:
    """Without a hint the person is asked, and nobody vouches for the address (RP-Initiated Logout §2, §3)."""
    rp.sign_in()
    _check_not_redirected(rp, post_logout_redirect_uri=SIGNED_OUT, state="s")


def test_oidcc_rp_initiated_logout_no_params(rp: RelyingParty) -> None:
    """Without any parameter the person is asked and then signed out (RP-Initiated Logout §2)."""
    rp.sign_in()
    answer = rp.logout()
    assert answer.was_asked
    assert rp.op.is_after_logout(answer.page)
    assert not rp.is_signed_in()


def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(rp: RelyingParty) -> None:
    """Without an address the session ends on the provider's own page (RP-Initiated Logout §2)."""
    answer = rp.logout(id_token_hint=rp.sign_in().id_token, state="s")
    assert answer.target is None
    assert rp.op.is_after_logout(answer.page)
    assert not rp.is_signed_in()


def test_oidcc_rp_initiated_logout_no_state(rp: RelyingParty) -> None:
    """Without a state none comes back (RP-Initiated Logout §3)."""
    answer = rp.logout(id_token_hint=rp.sign_in().id_token, post_logout_redirect_uri=SIGNED_OUT)
    assert answer.target == SIGNED_OUT
    assert not rp.is_signed_in()


def test_oidcc_rp_initiated_logout_only_state(rp: RelyingParty) -> None:
    """A state alone is as good as nothing (RP-Initiated Logout §2)."""
    rp.sign_in()
    answer = rp.logout(state="s")
    assert answer.was_asked
    assert answer.target is None
    assert rp.op.is_after_logout(answer.page)
    assert not rp.is_signed_in()


def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(rp: RelyingParty) -> None:
    """A registered address with a query added to it is another address (RP-Initiated Logout §3)."""
    hint = rp.sign_in().id_token
    _check_not_redirected(rp, id_token_hint=hint, post_logout_redirect_uri=f"{SIGNED_OUT}?foo=bar", state="s")


def test_oidcc_backchannel_logout_discovery_endpoint_verification(rp: RelyingParty) -> None:
    """The metadata say that sign-outs are told, with the session's name (Back-Channel Logout §2.1)."""
    assert rp.metadata["backchannel_logout_supported"] is True
    assert rp.metadata["backchannel_logout_session_supported"] is True


def test_oidcc_backchannel_rp_initiated_logout(rp: RelyingParty) -> None:
    """Both apps of a session are told by a logout token of their own (Back-Channel Logout §2.4, §2.5)."""
    other = rp.beside()
    sessions = (rp.sign_in(), other.sign_in())
    rp.logout(id_token_hint=sessions[0].id_token, post_logout_redirect_uri=SIGNED_OUT)
    for signed_in in sessions:
        app = signed_in.rp
        path = urlsplit(app.client.metadata["backchannel_logout_uri"]).path
        told = rp.op.listener.wait_for(path, _names_session(app, signed_in.claims["sid"]))
        assert told.method == "POST"
        assert told.headers["content-type"].startswith("application/x-www-form-urlencoded")
        decoded = jwt.decode(told.form["logout_token"], app.keys(), algorithms=ASYMMETRIC)
        claims = decoded.claims
        assert decoded.header.get("typ") in (None, "JWT", "logout+jwt")
        assert claims["iss"] == rp.op.issuer
        assert app.client.client_id in claims["aud"]
        assert claims["events"] == {LOGOUT_EVENT: {}}
        assert claims["jti"]
        assert abs(claims["iat"] - rp.op.now().timestamp()) < 60
        assert claims.get("sub", signed_in.claims["sub"]) == signed_in.claims["sub"]
        assert "nonce" not in claims


def _names_session(app: RelyingParty, sid: str) -> Callable[[Heard], bool]:
    def check(heard: Heard) -> bool:
        claims = jwt.decode(heard.form["logout_token"], app.keys(), algorithms=ASYMMETRIC).claims
        return bool(claims.get("sid") == sid)

    return check


def test_oidcc_frontchannel_logout_discovery_endpoint_verification(rp: RelyingParty) -> None:
    """The metadata say that sign-outs are told in frames, with the session's name (Front-Channel Logout §3)."""
    assert rp.metadata["frontchannel_logout_supported"] is True
    assert rp.metadata["frontchannel_logout_session_supported"] is True


def test_oidcc_frontchannel_rp_initiated_logout(rp: RelyingParty) -> None:
    """The page after a sign-out has a frame of the app, with issuer and session (Front-Channel Logout §2, §3)."""
    app = rp.beside("front-channel")
    signed_in = app.sign_in()
    answer = app.logout(id_token_hint=signed_in.id_token, post_logout_redirect_uri=SIGNED_OUT, state="s")
    frames = [unescape(source) for source in re.findall(r"<iframe[^>]*\ssrc=\"([^\"]+)\"", answer.page.body)]
    [frame] = [one for one in frames if one.startswith(app.client.metadata["frontchannel_logout_uri"])]
    assert dict(parse_qsl(urlsplit(frame).query)) == {"iss": rp.op.issuer, "sid": signed_in.claims["sid"]}
    assert answer.target is not None or SIGNED_OUT in unescape(answer.page.body)
    assert not app.is_signed_in()


def test_oidcc_session_management_discovery_endpoint_verification(rp: RelyingParty) -> None:
    """The metadata name the frame that answers whether the session has changed (Session Management §3.3)."""
    frame = rp.metadata["check_session_iframe"]
    assert frame.startswith(rp.op.issuer)
    answer = rp.op.http.get(frame)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


def test_oidcc_session_management_rp_initiated_logout(rp: RelyingParty) -> None:
    """Every answer carries the session's state, which is another one after a sign-out (Session Management §2, §3.2)."""
    signed_in = rp.sign_in()
    state = signed_in.answer.parameters["session_state"]
    assert state
    assert " " not in state
    assert "." in state
    rp.logout(id_token_hint=signed_in.id_token, post_logout_redirect_uri=SIGNED_OUT)
    assert rp.authorize(prompt="none").error == "login_required"
    assert rp.sign_in().answer.parameters["session_state"] != state
