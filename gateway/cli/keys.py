"""`renzheng keys`: the signing keys, their lives, how to cut one short; and sealing again after a rotation of the sealing key."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.console import answer, stop, table
from gateway.cli.exit_codes import EXIT_CODES_HELP, ExitCode

if TYPE_CHECKING:
    from foundation.signing import SigningKey

commands = typer.Typer(
    help=(
        "Signing keys of tokens, receipts and checkpoints, and the sealing of stored data.\n\nExamples:\n\n"
        "  renzheng keys list\n\n"
        "  renzheng keys rotate                       make what is due\n\n"
        "  renzheng keys rotate --purpose oidc        replace early: published now, signing a day later\n\n"
        "  renzheng keys revoke KID                   stop trusting a key at once\n\n"
        "  renzheng keys reseal --dry-run             count what a former sealing key still seals"
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
        table(("kid", "purpose", "alg", "state", "used from", "used until"), rows),
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


# An id may begin with a hyphen: one in 64 thumbprints does (RFC 7638), and it is no option.
@commands.command(context_settings={"ignore_unknown_options": True})
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


@commands.command()
def reseal(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what is left and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Seal every name, number, secret and private key under the first of RENZHENG_SEALING_KEYS.

    For after that key was changed and every node was restarted with it. Runs beside nodes that serve; may be interrupted and
    repeated: what is done stays done. The former key can be removed when nothing is left and an hour has passed, by which time
    tokens and half-finished sign-ins sealed under it are over.
    """
    from foundation.resealing import LEASE_TERM, ResealUnderWay
    from gateway.cli.reseal import count_all, reseal_all
    from gateway.cli.surroundings import run

    try:
        columns = run(count_all() if dry_run else reseal_all())
    except ResealUnderWay:
        stop(
            "另一个进程正在重新加密 · another process reseals, or one was killed just now",
            ExitCode.IN_THE_WAY,
            remedy=f"wait for it, or for {LEASE_TERM.total_seconds():.0f} s, and repeat",
        )
    broken = {one.column: list(one.broken) for one in columns if one.broken}
    left = {one.column: one.left for one in columns}
    done = {one.column: one.done for one in columns}
    rows = [(one.column, str(one.done), str(one.left), str(len(one.broken))) for one in columns]
    lines = table(("column", "resealed", "left", "do not open"), rows)
    lines += [f"  无法打开 · does not open: {column} {key}" for column, keys in broken.items() for key in keys]
    answer({"resealed": done, "left": left, "broken": broken}, lines, as_json=as_json)
    if broken:
        stop(
            "有数据无法打开 · some values do not open", ExitCode.NOT_SOUND, remedy="put the key they need into the ring"
        )
    if any(left.values()) and not dry_run:
        stop(
            "仍有节点使用旧密钥 · a node still seals under a former key",
            ExitCode.NOT_SOUND,
            remedy="restart every node with the new key in front, then repeat",
        )


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
        return "offered" if key.purpose == "encryption" else "signing"
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
