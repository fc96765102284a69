"""`renzheng keys`: the signing keys, their lives, and how to cut one short."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.console import answer, stop, table
from gateway.cli.exit_codes import EXIT_CODES_HELP, ExitCode

if TYPE_CHECKING:
    from foundation.signing import SigningKey

commands = typer.Typer(
    help=(
        "Signing keys of tokens, receipts and checkpoints.\n\nExamples:\n\n"
        "  renzheng keys list\n\n"
        "  renzheng keys rotate                       make what is due\n\n"
        "  renzheng keys rotate --purpose oidc        replace early: published now, signing a day later\n\n"
        "  renzheng keys revoke KID                   stop trusting a key at once"
    ),
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@commands.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List every key with its purpose, algorithm, state and the instants of its life."""
    from gateway.cli.surroundings import run

    keys = run(_list())
    rows = [
        (key["kid"], key["purpose"], key["alg"], key["state"], key["active_from"], key["retires_at"]) for key in keys
    ]
    answer(
        {"keys": keys},
        table(("kid", "purpose", "alg", "state", "signs from", "signs until"), rows),
        as_json=as_json,
    )


@commands.command()
def rotate(
    purpose: Annotated[
        str | None,
        typer.Option(help="Replace the keys of this purpose early: oidc, receipt, checkpoint or encryption."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the keys that are due; with --purpose, retire the present ones after the time of publication.

    A successor is published for a day (`RENZHENG_KEY_LIVES__PUBLISH_LEAD`) before it signs, so that every relying party has it
    in time.
    """
    if purpose not in (None, "oidc", "receipt", "checkpoint", "encryption"):
        stop(f"没有这种用途 · there is no purpose {purpose}", ExitCode.USAGE)
    from gateway.cli.surroundings import run

    made, retiring = run(_rotate(purpose))
    answer(
        {"actions": made, "retiring": retiring},
        [f"完成 {made} 项 · {made} action(s) done", *(f"  {kid} retires early" for kid in retiring)],
        as_json=as_json,
    )


@commands.command()
def revoke(
    kid: Annotated[str, typer.Argument(help="The key's id, as `keys list` prints it.")],
    as_json: AsJson = False,
) -> None:
    """Take a key out of use at once, everything that it signed included, and make its successor.

    Workers follow within 30 s. Tokens signed by it are refused from then on: people and apps sign in again.
    """
    from gateway.cli.surroundings import run

    if not run(_revoke(kid)):
        stop(f"没有可撤销的密钥 · no key {kid} that is not revoked", ExitCode.NOT_FOUND)
    answer({"revoked": kid}, [f"已撤销 · revoked {kid}"], as_json=as_json)


async def _list() -> list[dict[str, Any]]:
    from foundation.clock import system_clock
    from foundation.signing.store import list_signing_keys
    from gateway.cli.stores import open_database
    from gateway.cli.surroundings import read_settings

    now = system_clock()
    async with open_database(read_settings()) as db, db.read() as connection:
        stored = await list_signing_keys(connection)
    return [
        {
            "kid": key.kid,
            "purpose": key.purpose,
            "alg": key.alg,
            "generation": key.generation,
            "state": _state(key, now),
            "published_at": _instant(key.published_at),
            "active_from": _instant(key.active_from),
            "retires_at": _instant(key.retires_at),
            "withdrawn_at": None if key.withdrawn_at is None else _instant(key.withdrawn_at),
        }
        for key, _ in stored
    ]


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _state(key: "SigningKey", now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.may_sign(now):
        return "signing"
    if key.is_published(now):
        return "published" if now < key.active_from else "retired"
    return "withdrawn"


async def _rotate(purpose: str | None) -> tuple[int, list[str]]:
    from foundation.clock import system_clock
    from foundation.ledger import Entry
    from foundation.signing import ensure_keys
    from gateway.cli.early_retirement import retire_early
    from gateway.cli.ledger_door import open_ledger_door

    now = system_clock()
    async with open_ledger_door() as door:
        policy = door.settings.key_lives.policy()
        retiring: list[str] = []
        if purpose is not None:
            lead = next(line.publish_lead for line in policy.purposes if line.purpose == purpose)
            async with door.db.transaction() as connection:
                # A moment more than the lead, so that the successor is due now and has its whole time.
                retiring = await retire_early(connection, purpose, now + lead - timedelta(seconds=1))
                details = {"purpose": purpose, "retiring": retiring}
                entry = Entry("keys.retired_early", now, "done", actor="system:cli", details=details)
                await door.ledger.append_in(connection, entry)
        made = await ensure_keys(door.db, sealer=door.sealer, policy=policy, now=now)
        if made:
            await door.ledger.append(Entry("keys.rotated", now, "done", actor="system:cli", details={"actions": made}))
    return made, retiring


async def _revoke(kid: str) -> bool:
    from foundation.clock import system_clock
    from foundation.ledger import Entry
    from foundation.signing import ensure_keys, revoke_signing_key
    from gateway.cli.ledger_door import open_ledger_door

    now = system_clock()
    async with open_ledger_door() as door:
        async with door.db.transaction() as connection:
            if not await revoke_signing_key(connection, kid, now):
                return False
            entry = Entry("keys.revoked", now, "done", actor="system:cli", details={"kid": kid})
            await door.ledger.append_in(connection, entry)
        await ensure_keys(door.db, sealer=door.sealer, policy=door.settings.key_lives.policy(), now=now)
    return True
