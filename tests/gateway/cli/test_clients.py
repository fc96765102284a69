"""Registering applications by command: policies, key files, metadata files, invitations, exceptions with an end."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from foundation.clock import system_clock
from gateway.cli.exit_codes import ExitCode
from gateway.composition import Parts
from idp.provider.clients.policies import TOKEN_EXCHANGE
from idp.provider.clients.registry import Client
from idp.provider.registration.invitations import find_invitation
from tests.gateway.cli.conftest import Finished, Installation

NAMES = ("--name-zh", "不动产登记", "--name-en", "Real estate", "--department", "housing")
ADDRESS = ("--redirect-uri", "https://bdc.example/callback")


def add(installation: Installation, *options: str) -> Finished:
    """Register `bdc` with further options."""
    return installation.run("client", "add", "bdc", *NAMES, *ADDRESS, *options, "--json")


def registered(installation: Installation) -> Client:
    """Return `bdc` as it is stored."""

    async def work(parts: Parts) -> Client | None:
        return parts.provider.clients.find("bdc")

    client = installation.with_parts(work)
    assert isinstance(client, Client)
    return client


def key_file(folder: Path, *, private: bool) -> str:
    """Write a key set and return its path."""
    key = ECKey.generate_key("P-256", {"kid": "k1"}).as_dict(private=private)
    path = folder / "keys.json"
    path.write_text(json.dumps({"keys": [key]}))
    return str(path)


def test_client_of_policy_high_signs_in_with_its_key(installation: Installation, tmp_path: Path) -> None:
    """It has no secret; the weak method is refused by the policy, a private key by the rules."""
    strong = ("--policy", "high", "--auth-method", "private_key_jwt")
    assert add(installation, "--policy", "high").code == ExitCode.NOT_SOUND
    assert add(installation, *strong).code == ExitCode.NOT_SOUND
    assert add(installation, *strong, "--jwks", key_file(tmp_path, private=True)).code == ExitCode.NOT_SOUND
    done = add(installation, *strong, "--jwks", key_file(tmp_path, private=False))
    assert done.code == ExitCode.DONE, done.err
    assert done.value["client_secret"] is None
    client = registered(installation)
    assert (client.policy, client.token_endpoint_auth_method) == ("high", "private_key_jwt")
    assert client.metadata.jwks is not None


def test_members_of_a_file_are_registered_and_slips_are_told(installation: Installation, tmp_path: Path) -> None:
    """A member that nothing reads ends the command, since it may be misspelt."""
    path = tmp_path / "bdc.json"
    members: dict[str, Any] = {
        "initiate_login_uri": "https://bdc.example/login?from=portal",
        "id_token_signed_response_alg": "PS256",
        "contacts": ["it@bdc.example"],
    }
    path.write_text(json.dumps({**members, "redirect_urls": ["https://bdc.example/callback"]}))
    slip = add(installation, "--metadata", str(path))
    assert slip.code == ExitCode.USAGE
    assert "redirect_urls" in slip.err
    path.write_text("[]")
    assert add(installation, "--metadata", str(path)).code == ExitCode.USAGE
    assert add(installation, "--metadata", str(tmp_path / "missing.json")).code == ExitCode.NOT_FOUND
    path.write_text(json.dumps(members))
    assert add(installation, "--metadata", str(path)).code == ExitCode.DONE
    assert registered(installation).metadata.algorithms.id_token_signed_response_alg == "PS256"
    link = installation.run("client", "login-link", "bdc", "--json").value["login_link"]
    assert link.startswith("https://bdc.example/login?from=portal&iss=http")
    path.write_text(json.dumps({"initiate_login_uri": None}))
    assert installation.run("client", "change", "bdc", "--metadata", str(path)).code == ExitCode.DONE
    assert installation.run("client", "login-link", "bdc").code == ExitCode.NOT_FOUND
    assert installation.run("client", "login-link", "nobody").code == ExitCode.NOT_FOUND


def test_service_that_exchanges_tokens_is_registered_by_command(installation: Installation) -> None:
    """What it serves and on which basis nobody is asked is the operator's to say; the license API is its resource unless others are named."""
    service = ("--grant-type", TOKEN_EXCHANGE, "--scope", "license.lookup", "--serves", "https://bdc.example/api")
    run = ("client", "add", "bdc", *NAMES, *service, "--json")
    assert installation.run(*run, "--public").code == ExitCode.NOT_SOUND
    done = installation.run(*run, "--exempt-basis", "《不动产登记暂行条例》")
    assert done.code == ExitCode.DONE, done.err
    client = registered(installation)
    assert client.grant_types == {TOKEN_EXCHANGE}
    assert client.introspects == {"https://bdc.example/api"}
    assert [resource.rpartition("/")[2] for resource in client.resources] == ["licenses"]
    assert (client.consent, client.consent_basis) == ("exempt", "《不动产登记暂行条例》")


def test_exception_about_to_end_is_warned_of(installation: Installation) -> None:
    """An exception has an end within a year; the list and the doctor tell of it in time."""
    legacy = ("--policy", "legacy", "--legacy-exception", "no_pkce", "--legacy-until")
    today = system_clock()
    assert add(installation, *legacy, f"{today + timedelta(days=400):%Y-%m-%d}").code == ExitCode.NOT_SOUND
    assert add(installation, "--policy", "legacy", "--legacy-exception", "no_pkce").code == ExitCode.NOT_SOUND
    assert add(installation, *legacy[2:], f"{today + timedelta(days=30):%Y-%m-%d}").code == ExitCode.NOT_SOUND
    assert add(installation, *legacy, f"{today + timedelta(days=30):%Y-%m-%d}").code == ExitCode.DONE
    listed = installation.run("client", "list")
    assert "bdc: legacy exceptions end" in listed.err
    findings = installation.run("doctor", "--json").value["findings"]
    finding = next(one for one in findings if one["name"] == "legacy exceptions")
    assert finding["state"] == "warning"
    assert "bdc" in finding["observed"]


def test_client_whose_certificate_nobody_can_pass_on_is_warned_of(installation: Installation, tmp_path: Path) -> None:
    """RFC 8705 §6.5: behind a proxy that the settings do not name, such an application never gets in."""

    def found() -> tuple[str, str]:
        findings = installation.run("doctor", "--json").value["findings"]
        finding = next(one for one in findings if one["name"] == "client certificates")
        return finding["state"], finding["observed"] + finding["next_step"]

    assert found() == ("ok", "no application needs one")
    document = tmp_path / "client.json"
    document.write_text(json.dumps({"tls_client_auth_san_dns": "bdc.example"}))
    added = add(installation, "--auth-method", "tls_client_auth", "--metadata", str(document))
    assert added.code == ExitCode.DONE, added.err
    state, words = found()
    assert (state, "bdc" in words, "RENZHENG_CLIENT_CERTIFICATE_HEADER" in words) == ("warning", True, True)
    installation.set("RENZHENG_CLIENT_CERTIFICATE_HEADER", "X-Client-Certificate")
    state, words = found()
    assert (state, "RENZHENG_TRUSTED_PROXIES" in words) == ("warning", True)
    installation.set("RENZHENG_TRUSTED_PROXIES", '["unix"]')
    state, words = found()
    assert (state, "RENZHENG_CLIENT_CERTIFICATE_VERDICT_HEADER" in words) == ("warning", True)
    installation.set("RENZHENG_CLIENT_CERTIFICATE_VERDICT_HEADER", "X-Client-Verify")
    assert found()[0] == "ok"
    installation.run("client", "disable", "bdc")
    installation.set("RENZHENG_CLIENT_CERTIFICATE_HEADER", "")
    assert found()[0] == "ok"


def test_client_changes_its_registration_and_stays_the_same_to_its_people(
    installation: Installation, tmp_path: Path
) -> None:
    """What is not named stays; the sector stays with an application that moves; weaker than the policy is refused."""
    first = add(installation, "--policy", "legacy", "--legacy-exception", "no_pkce", "--legacy-until", _in(30))
    assert first.value["client_secret"]
    change = ("client", "change", "bdc", "--json")
    before = registered(installation)
    moved = installation.run(*change, "--redirect-uri", "https://new.example/callback", "--legacy-until", _in(60))
    assert moved.code == ExitCode.DONE, moved.err
    assert moved.value["client_secret"] is None
    client = registered(installation)
    assert client.redirect_uris == ("https://new.example/callback",)
    assert (client.sector, client.secrets, client.created_at) == (before.sector, before.secrets, before.created_at)
    assert client.metadata.legacy_exceptions == ("no_pkce",)
    assert "oauth.client_updated" in installation.kinds()

    strong = ("--policy", "high", "--auth-method", "private_key_jwt")
    assert installation.run(*change, "--policy", "high").code == ExitCode.NOT_SOUND
    assert installation.run(*change, *strong).code == ExitCode.NOT_SOUND
    done = installation.run(*change, *strong, "--jwks", key_file(tmp_path, private=False))
    assert done.code == ExitCode.DONE, done.err
    client = registered(installation)
    assert (client.policy, client.secrets, client.metadata.legacy_exceptions) == ("high", (), ())

    published = installation.run(*change, "--jwks-uri", "https://new.example/jwks")
    assert published.code == ExitCode.DONE, published.err
    assert registered(installation).metadata.jwks is None
    path = tmp_path / "back.json"
    path.write_text(json.dumps({"jwks_uri": None, "token_endpoint_auth_method": "client_secret_basic"}))
    back = installation.run(*change, "--policy", "baseline", "--metadata", str(path))
    assert back.code == ExitCode.DONE, back.err
    assert back.value["client_secret"] != first.value["client_secret"]
    assert registered(installation).metadata.jwks_uri is None
    assert installation.run("client", "change", "nobody").code == ExitCode.NOT_FOUND


def _in(days: int) -> str:
    return f"{system_clock() + timedelta(days=days):%Y-%m-%d}"


def test_invitation_is_shown_once_and_stands(installation: Installation) -> None:
    """The token is the initial access token of the registration endpoint; only its digest is stored."""
    made = installation.run(
        *("client", "invite", "--department", "housing", "--policy", "high", "--uses", "3", "--days", "14", "--json")
    )
    assert made.code == ExitCode.DONE, made.err
    token = made.value["initial_access_token"]
    assert made.value["registration_endpoint"].endswith("/oauth/register")

    async def work(parts: Parts) -> Any:
        return await find_invitation(parts.db, token, now=parts.clock())

    invitation = installation.with_parts(work)
    assert (invitation.remaining, invitation.terms.policy) == (3, "high")
    assert "oauth.clients_invited" in installation.kinds()
    assert installation.run("client", "invite", "--department", "nowhere").code == ExitCode.NOT_FOUND
    unknown = installation.run("client", "invite", "--department", "housing", "--policy", "lax")
    assert unknown.code == ExitCode.NOT_SOUND


def test_only_applications_that_registered_themselves_get_a_registration_token(installation: Installation) -> None:
    """An operator's client is changed by the operator."""
    assert installation.run("client", "registration-token", "gzf").code == ExitCode.NOT_SOUND
    assert installation.run("client", "registration-token", "nobody").code == ExitCode.NOT_SOUND


def test_application_is_approved_by_command(installation: Installation) -> None:
    """The act is on record; an unknown client is told."""
    assert installation.run("client", "approve", "nobody").code == ExitCode.NOT_SOUND
    assert installation.run("client", "approve", "gzf").code == ExitCode.DONE
    assert "oauth.client_approved" in installation.kinds()
