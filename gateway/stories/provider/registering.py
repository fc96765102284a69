"""The housing bureau's developer registers an app under each policy, by the bureau's invitations."""

from typing import Any

from gateway.stories.provider.app import App
from gateway.stories.provider.cast import ProviderCast
from gateway.stories.story import expect, wait_until

EVERYWHERE_S = 5.0
"""Within so many seconds every node knows of a change."""

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
CIBA = "urn:openid:params:grant-type:ciba"
_SITE = "https://{name}.story.qingyu.test"


def read_the_metadata(cast: ProviderCast) -> str:
    """Everything the developer has to know stands in the metadata, and both documents say the same."""
    issuer = cast.world.issuer
    cast.metadata = cast.program.get(f"{issuer}/.well-known/openid-configuration").json()
    other = cast.program.get(f"{issuer}/.well-known/oauth-authorization-server").json()
    expect(cast.metadata["issuer"] == issuer, "the metadata name another issuer")
    expect(other.pop("signed_metadata", "").count(".") == 2, "the metadata are not signed")
    expect(cast.metadata == other, "the two metadata documents differ")
    return f"{len(cast.metadata)} members, {len(cast.metadata['grant_types_supported'])} grant types"


def register_baseline(cast: ProviderCast) -> str:
    """A web app with a secret, which may also be used from devices and ask persons elsewhere."""
    app = _register(
        cast,
        "baseline",
        token_endpoint_auth_method="client_secret_basic",
        grant_types=["authorization_code", "refresh_token", DEVICE_CODE, CIBA],
        scope="openid profile realname offline_access",
        backchannel_token_delivery_mode="poll",
    )
    return f"{app.client_id} signs in with a secret"


def register_high(cast: ProviderCast) -> str:
    """FAPI 2.0 Security Profile: pushed requests, signed assertions, tokens bound to a key."""
    app = _register(
        cast,
        "high",
        keyed=True,
        grant_types=["authorization_code", "refresh_token"],
        scope="openid profile realname offline_access",
        dpop_bound_access_tokens=True,
        authorization_details_types=["electronic_license"],
    )
    app.proves = True
    return f"{app.client_id} signs in with a key"


def register_high_signed(cast: ProviderCast) -> str:
    """FAPI 2.0 Message Signing: requests and answers are signed as well."""
    app = _register(
        cast,
        "high-signed",
        keyed=True,
        grant_types=["authorization_code"],
        scope="openid profile",
        dpop_bound_access_tokens=True,
        request_object_signing_alg="ES256",
        authorization_signed_response_alg="ES256",
    )
    app.proves = True
    return f"{app.client_id} signs its requests"


def register_legacy(cast: ProviderCast) -> str:
    """An app that cannot change: hybrid answers, by an exception with a date."""
    app = _register(
        cast,
        "legacy",
        token_endpoint_auth_method="client_secret_basic",
        grant_types=["authorization_code", "implicit"],
        response_types=["code", "code id_token"],
        scope="openid profile",
    )
    return f"{app.client_id} may have hybrid answers for a while"


def be_refused_beyond_the_policy(cast: ProviderCast) -> str:
    """What the policy forbids cannot be registered: a secret under `high`, a foreign address anywhere."""
    refused = []
    for policy, changes in (
        ("high", {"token_endpoint_auth_method": "client_secret_basic"}),
        ("baseline", {"redirect_uris": ["http://story.qingyu.test/callback"]}),
        ("baseline", {"response_types": ["code id_token"]}),
    ):
        answer = cast.program.post(
            cast.metadata["registration_endpoint"],
            headers={"Authorization": f"Bearer {cast.world.invitations[policy]}"},
            json=_document("refused") | changes,
        )
        expect(answer.status_code == 400, f"under {policy} {sorted(changes)} was answered {answer.status_code}")
        refused.append(str(answer.json()["error"]))
    return ", ".join(refused)


def manage_a_registration(cast: ProviderCast) -> str:
    """The app reads its registration, changes it, and is given a new registration access token (RFC 7592)."""
    app = cast.apps["baseline"]
    uri = str(app.registered["registration_client_uri"])
    headers = {"Authorization": f"Bearer {app.registered['registration_access_token']}"}
    read = cast.program.get(uri, headers=headers)
    expect(read.status_code == 200, f"reading the registration answered {read.status_code}")
    made = ("registration_access_token", "registration_client_uri", "client_id_issued_at", "client_secret_expires_at")
    wanted = {name: value for name, value in read.json().items() if name not in (*made, "client_secret")}
    token = read.json().get("registration_access_token") or app.registered["registration_access_token"]
    wanted |= {"client_name": "故事应用（新名）", "client_name#zh-CN": "故事应用（新名）"}
    changed = cast.program.put(uri, headers={"Authorization": f"Bearer {token}"}, json=wanted)
    expect(changed.status_code == 200, f"changing the registration answered {changed.status_code} {changed.text}")
    app.registered = {**app.registered, **changed.json()}
    expect(app.registered["client_name"] == "故事应用（新名）", "the name did not change")
    return "read, renamed"


def withdraw_a_registration(cast: ProviderCast) -> str:
    """A registration that is deleted is over: its client may do nothing."""
    app = cast.apps["legacy"]
    uri = str(app.registered["registration_client_uri"])
    headers = {"Authorization": f"Bearer {app.registered['registration_access_token']}"}
    gone = cast.program.delete(uri, headers=headers)
    expect(gone.status_code == 204, f"deleting the registration answered {gone.status_code}")

    def is_nobodys() -> bool | None:
        page = cast.citizen.open(app.address(app.request()))
        return (page.status == 400 and page.location is None) or None

    wait_until(is_nobodys, seconds=EVERYWHERE_S, otherwise="the deleted app's address did not become nobody's")
    return "deleted; its address is nobody's"


def _register(cast: ProviderCast, policy: str, *, keyed: bool = False, **wanted: Any) -> App:
    app = App(cast.metadata, cast.program, cast.entropy, cast.clock)
    document = _document(f"{policy}-{cast.entropy.identifier()[:8]}") | wanted
    if keyed:
        document |= {"token_endpoint_auth_method": "private_key_jwt", "jwks": app.public_keys()}
    app.register(cast.world.invitations[policy], document)
    cast.apps[policy] = app
    return app


def _document(name: str) -> dict[str, Any]:
    site = _SITE.format(name=name)
    return {
        "client_name": f"故事应用 {name}",
        "client_name#en": f"Story app {name}",
        "redirect_uris": [f"{site}/callback"],
        "post_logout_redirect_uris": [f"{site}/signed-out"],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "scope": "openid profile",
    }
