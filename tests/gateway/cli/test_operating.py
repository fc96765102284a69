"""What an operator does with commands, on both stacks: every act happens, is on record, and says what it did."""

import base64
import re
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from foundation.ledger.merkle import is_consistent
from foundation.ledger.store import ledger_entries
from gateway.cli.exit_codes import ExitCode
from gateway.composition import Parts
from idp.people.tables import accounts, persons
from tests.gateway.cli.conftest import Installation
from tests.stories.processes import clean_environment, run_renzheng


def test_seeding_again_makes_nothing_twice(installation: Installation, tmp_path: Path) -> None:
    """A demo is started often; the people, apps and grants of the first time stay."""
    before = installation.kinds()
    world = tmp_path / "world.json"
    done = installation.run("seed", "--base-port", "18600", "--world", str(world))
    assert done.code == ExitCode.DONE, done.err
    after = installation.kinds()[len(before) :]
    # Departments report their licenses again; each report is on record, and says that nothing changed.
    assert set(after) <= {"license.registered"}
    assert '"officer": true' in world.read_text()


def test_client_lives_from_registration_to_its_end(installation: Installation) -> None:
    """A secret is shown once, rotated with overlap, and the client can be stopped."""
    added = installation.run(
        *("client", "add", "jzz", "--name-zh", "居住证办理", "--name-en", "Residence permits"),
        *("--department", "housing", "--redirect-uri", "https://jzz.example/callback", "--json"),
    )
    assert added.code == ExitCode.DONE, added.err
    rotated = installation.run("client", "rotate-secret", "jzz", "--json")
    assert rotated.value["client_secret"] not in (added.value["client_secret"], None)
    listed = installation.run("client", "list", "--json")
    clients = {client["client_id"]: client for client in listed.value["clients"]}
    assert set(clients) == {"gzf", "jzz", "qyfw"}
    assert clients["jzz"]["department"] == "housing"
    assert added.value["client_secret"] not in listed.out
    assert installation.run("client", "disable", "jzz").code == ExitCode.DONE

    def status() -> str:
        listed = installation.run("client", "list", "--json").value["clients"]
        return str(next(client["status"] for client in listed if client["client_id"] == "jzz"))

    assert status() == "disabled"
    assert installation.run("client", "disable", "nobody").code == ExitCode.NOT_FOUND
    assert installation.run("client", "enable", "jzz").code == ExitCode.DONE
    assert status() == "active"
    assert installation.run("client", "enable", "nobody").code == ExitCode.NOT_FOUND
    assert installation.run("client", "rotate-secret", "nobody").code == ExitCode.NOT_SOUND


def test_person_is_entered_at_the_counter_and_disabled(installation: Installation) -> None:
    """Names and numbers are masked in what the command prints; a disabled account says so."""
    number = "370299190606060613"
    added = installation.run(
        *("user", "add", "--name", "何清和", "--user-name", "heqinghe", "--document-number", _valid(number)),
        *("--password", "Lantern-Street-Evening-9", "--department", "market", "--work-number", "SJ-0008"),
    )
    assert added.code == ExitCode.DONE, added.err
    enrolled = installation.run("user", "enrol-totp", "heqinghe", "--json")
    assert re.fullmatch(r"[A-Z2-7]{32}", enrolled.value["secret"])
    assert installation.run("user", "disable", "heqinghe", "--json").value["changed"] is True
    assert installation.run("user", "disable", "heqinghe", "--json").value["changed"] is False
    listed = installation.run("user", "list", "--json")
    users = {user["user_name"]: user for user in listed.value["users"]}
    assert users["heqinghe"]["status"] == "disabled"
    assert users["heqinghe"]["post"] == "market SJ-0008"
    assert _valid(number) not in listed.out
    assert "何清和" not in listed.out
    assert installation.run("user", "disable", "nobody-here").code == ExitCode.NOT_FOUND


def test_officer_leaves_and_the_account_stays(installation: Installation) -> None:
    """A post ends once, with its sessions; the work number is kept by the records of what was done."""
    ended = installation.run("user", "end-officer", "housing", "ZJ-0317", "--json")
    assert ended.code == ExitCode.DONE, ended.err
    assert ended.value["changed"] is True
    assert installation.run("user", "end-officer", "housing", "ZJ-0317", "--json").value["changed"] is False
    assert installation.kinds().count("officer.left") == 1
    users = {user["user_name"]: user for user in installation.run("user", "list", "--json").value["users"]}
    assert (users["wangshouzheng"]["status"], users["wangshouzheng"]["post"]) == ("open", None)
    assert installation.run("user", "end-officer", "housing", "ZJ-9999").code == ExitCode.NOT_FOUND
    assert installation.run("user", "end-officer", "nowhere", "ZJ-0317").code == ExitCode.NOT_FOUND


def test_disabled_account_is_enabled_and_closed_for_good(installation: Installation) -> None:
    """Closing asks first, erases what is personal, and cannot be undone; each act is on record."""
    for command, changed in (("disable", True), ("enable", True), ("enable", False)):
        assert installation.run("user", command, "zhoujingyan", "--json").value["changed"] is changed
    kept = installation.run("user", "close-account", "zhoujingyan", typed="n\n")
    assert kept.code != ExitCode.DONE
    assert "zhoujingyan" in installation.run("user", "list").out
    closed = installation.run("user", "close-account", "zhoujingyan", typed="y\n")
    assert closed.code == ExitCode.DONE, closed.err
    assert "zhoujingyan" not in installation.run("user", "list").out
    for command in ("enable", "disable", "close-account"):
        arguments = ("user", command, "zhoujingyan", *(("--yes",) if command == "close-account" else ()))
        assert installation.run(*arguments).code == ExitCode.NOT_FOUND
    assert [kind for kind in installation.kinds() if kind.startswith("account.")][-3:] == [
        "account.disabled",
        "account.enabled",
        "account.closed",
    ]

    async def traces(parts: Parts) -> tuple[int, int]:
        async with parts.db.read() as connection:
            people = await connection.execute(select(persons.c.person_id).where(persons.c.name_sealed.is_(None)))
            names = await connection.execute(select(accounts.c.account_id).where(accounts.c.user_name.is_(None)))
            return len(people.all()), len(names.all())

    assert installation.with_parts(traces) == (1, 1)


def test_unsuitable_password_is_refused(installation: Installation) -> None:
    """An operator's choice is judged by the same rules as everybody's."""
    refused = installation.run(
        *("user", "add", "--name", "何清和", "--user-name", "heqinghe"),
        *("--document-number", _valid("370299190606060613"), "--password", "12345678"),
    )
    assert refused.code == ExitCode.USAGE
    assert "12345678" not in refused.out + refused.err


def test_key_is_replaced_early_with_its_time_of_publication(installation: Installation) -> None:
    """A successor is published now and signs when its predecessor retires (OpenID Connect Core §10.1.1)."""
    rotated = installation.run("keys", "rotate", "--purpose", "receipt", "--json")
    assert rotated.code == ExitCode.DONE, rotated.err
    keys = [key for key in installation.run("keys", "list", "--json").value["keys"] if key["purpose"] == "receipt"]
    (old,) = [key for key in keys if key["state"] == "signing"]
    (new,) = [key for key in keys if key["state"] == "published"]
    assert rotated.value["retiring"] == [old["kid"]]
    assert new["active_from"] == old["retires_at"]
    assert "keys.retired_early" in installation.kinds()


def test_revoked_key_is_replaced_at_once(installation: Installation) -> None:
    """After a revocation something must sign, and the revocation is on record."""
    keys = installation.run("keys", "list", "--json").value["keys"]
    kid = next(key["kid"] for key in keys if key["purpose"] == "oidc" and key["alg"] == "ES256")
    assert installation.run("keys", "revoke", kid).code == ExitCode.DONE
    after = installation.run("keys", "list", "--json").value["keys"]
    states = [key["state"] for key in after if key["purpose"] == "oidc" and key["alg"] == "ES256"]
    assert sorted(states) == ["revoked", "signing"]
    assert installation.run("keys", "revoke", kid).code == ExitCode.NOT_FOUND
    assert "keys.revoked" in installation.kinds()


def test_key_whose_id_begins_with_a_hyphen_is_no_option(installation: Installation) -> None:
    """Its id is base64url (RFC 7638 §3.1), so one in 64 begins so; a misspelt option is still told."""
    refused = installation.run("keys", "revoke", "-6Ah-help_json-0123456789-abcdefghijklmnopqr")
    assert refused.code == ExitCode.NOT_FOUND
    assert "-6Ah-help_json" in refused.err
    assert installation.run("keys", "revoke", "some-key", "--jsn").code == 2


def test_sound_ledger_is_reported_with_its_checkpoint(installation: Installation) -> None:
    """Before the first checkpoint there is none to prove under; afterwards everything is covered."""
    assert installation.run("ledger", "checkpoint").code == ExitCode.NOT_FOUND
    installation.cover()
    report = installation.run("ledger", "verify", "--json")
    assert report.code == ExitCode.DONE, report.out
    assert report.value["sound"] is True
    assert report.value["uncovered"] == 0
    head = installation.run("ledger", "checkpoint", "--json").value
    assert int(head["checkpoint"].splitlines()[1]) == report.value["entries"]
    by_key = installation.run("ledger", "verify", "--closed", "--key", head["keys"][0], "--json")
    assert by_key.value["sound"] is True
    proof = installation.run("ledger", "prove", "3", "--json").value
    assert proof["checkpoint"] == head["checkpoint"]
    assert installation.run("ledger", "prove", "99999").code == ExitCode.NOT_FOUND
    assert installation.run("ledger", "verify", "--key", "nonsense").code == ExitCode.USAGE


def test_grant_is_suspended_and_revoked(installation: Installation) -> None:
    """A department's lookups are stopped without a deployment; what is revoked stays so, and each act is on record."""
    grants = installation.run("grant", "list", "--json").value["grants"]
    number = str(next(grant["grant"] for grant in grants if grant["state"] == "validated"))

    def state() -> str:
        listed = installation.run("grant", "list", "--json").value["grants"]
        return str(next(grant["state"] for grant in listed if grant["grant"] == number))

    for command, after in (("suspend", "suspended"), ("revoke", "revoked")):
        assert installation.run("grant", command, number).code == ExitCode.DONE
        assert state() == after
        assert f"grant.{after}" in installation.kinds()
    assert installation.run("grant", "suspend", number).code == ExitCode.NOT_FOUND
    assert installation.run("grant", "revoke", "G-2026-none").code == ExitCode.NOT_FOUND


def test_later_head_is_proven_to_extend_an_earlier_one(installation: Installation) -> None:
    """Who kept an old checkpoint checks, with nothing but the two roots and the path, that nothing was taken back (RFC 9162 §2.1.4.2)."""

    def covered() -> tuple[int, bytes]:
        installation.cover()
        lines = installation.run("ledger", "checkpoint", "--json").value["checkpoint"].splitlines()
        return int(lines[1]), base64.b64decode(lines[2])

    old, old_root = covered()
    installation.run("keys", "rotate", "--purpose", "oidc")
    new, new_root = covered()
    assert old < new
    proof = installation.run("ledger", "prove", "--from", str(old), "--json").value
    assert (proof["from"], proof["to"]) == (old, new)
    path = [base64.b64decode(node) for node in proof["path"]]
    assert is_consistent(old, old_root, new, new_root, path)
    assert not is_consistent(old, bytes(32), new, new_root, path)
    assert installation.run("ledger", "prove", "--from", str(new), "--to", str(old)).code == ExitCode.NOT_FOUND
    assert installation.run("ledger", "prove", "--from", str(old), "--to", "99999").code == ExitCode.NOT_FOUND
    assert installation.run("ledger", "prove", "3", "--from", str(old)).code == ExitCode.USAGE
    assert installation.run("ledger", "prove").code == ExitCode.USAGE


def test_altered_row_is_named(installation: Installation) -> None:
    """One character of one body, changed in the database: the command ends with 1 and names the row."""
    installation.cover()

    async def alter(parts: Parts) -> None:
        async with parts.db.transaction() as connection:
            body: Any = (
                await connection.execute(select(ledger_entries.c.body).where(ledger_entries.c.position == 5))
            ).scalar_one()
            await connection.execute(
                update(ledger_entries)
                .where(ledger_entries.c.position == 5)
                .values(body=body.replace("done", "dune", 1))
            )

    installation.with_parts(alter)
    report = installation.run("ledger", "verify", "--json")
    assert report.code == ExitCode.NOT_SOUND
    assert [fault["position"] for fault in report.value["faults"]] == [5]
    assert "第 5 条" in installation.run("ledger", "verify").out


def test_effective_settings_show_their_source_and_no_secret(installation: Installation) -> None:
    """Each value says where it came from; keys, passwords and tokens are withheld."""
    shown = installation.run("config", "show", "--json")
    assert shown.code == ExitCode.DONE, shown.err
    assert shown.value["RENZHENG_ISSUER"] == {"value": "http://127.0.0.1:18600", "source": "file"}
    assert shown.value["RENZHENG_LOG_LEVEL"]["source"] == "default"
    secrets = installation.environment_file.read_text()
    for name in ("RENZHENG_SEALING_KEYS", "RENZHENG_BLIND_INDEX_KEY", "RENZHENG_SUBJECT_KEYS"):
        (line,) = [line for line in secrets.splitlines() if line.startswith(name)]
        value = line.partition("=")[2].strip("'[]\"")
        assert value not in shown.out
        assert value.rsplit(":", 1)[-1] not in shown.out
    assert "province-demo-secret" not in shown.out
    assert "certshare-demo-token" not in shown.out
    assert "demo-key" not in shown.out
    assert installation.run("config", "check").code == ExitCode.DONE


def test_doctor_finds_nothing_to_repair_and_tells_what_is_away(installation: Installation) -> None:
    """Outside systems that are away are warnings with a next step: they harm nobody else."""
    examined = installation.run("doctor", "--json")
    findings = {finding["name"]: finding for finding in examined.value["findings"]}
    assert examined.code == ExitCode.DONE, examined.out
    assert findings["schema"]["state"] == "ok"
    assert findings["signing keys"]["state"] == "ok"
    assert findings["sms"]["state"] == "warning"
    assert all(finding["next_step"] for finding in findings.values() if finding["state"] != "ok")


def test_serving_a_socket_warns_when_nobody_at_it_is_trusted(tmp_path: Path) -> None:
    """Behind it all visitors would share the limits of one address; the empty database then ends the command."""
    socket = str(tmp_path / "web.sock")

    def said(trusted: str) -> str:
        database = f"sqlite+aiosqlite:///{tmp_path / 'empty.db'}"
        environment = clean_environment(RENZHENG_DATABASE_URL=database, RENZHENG_TRUSTED_PROXIES=trusted)
        done = run_renzheng("serve", "--uds", socket, environment=environment)
        assert done.returncode != ExitCode.DONE
        return done.stderr

    assert 'RENZHENG_TRUSTED_PROXIES=["unix"]' in said('["127.0.0.1"]')
    assert "RENZHENG_TRUSTED_PROXIES" not in said('["unix"]')


def test_one_time_password_of_this_moment_is_printed(installation: Installation) -> None:
    """The guide of the demo points to it."""
    done = installation.run("user", "totp", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    assert re.fullmatch(r"[0-9]{6}\n", done.out)
    assert installation.run("user", "totp", "not a secret").code == ExitCode.USAGE


def _valid(number: str) -> str:
    from foundation.identifiers.check_characters import resident_id_check_character

    return number[:17] + resident_id_check_character(number[:17])
