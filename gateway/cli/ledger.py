"""`renzheng ledger`: check the ledger, prove an entry, show the signed head."""

import base64
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.console import answer, progress, stop
from gateway.cli.exit_codes import EXIT_CODES_HELP, ExitCode

if TYPE_CHECKING:
    from foundation.ledger.verification import Report

commands = typer.Typer(
    help=(
        "The tamper-evident ledger.\n\nExamples:\n\n"
        "  renzheng ledger verify            every row, tile and checkpoint\n\n"
        "  renzheng ledger prove 1204        that entry 1204 is under the signed head\n\n"
        "  renzheng ledger prove --from 900  that the signed head extends the head of 900 entries\n\n"
        "  renzheng ledger checkpoint        the signed head itself"
    ),
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@commands.command()
def verify(
    public_key: Annotated[
        list[str] | None,
        typer.Option(
            "--key",
            help="Verifier key (name+hash+base64) kept outside the database; may be repeated. "
            "Without it the keys of the database are used.",
        ),
    ] = None,
    closed: Annotated[
        bool, typer.Option("--closed", help="Leave the sealed personal parts closed; needs no sealing key.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the ledger from the first row to the last; ends with 1 and names the rows when it is not sound.

    Everything is computed anew: body, leaf, tile, root, signature. Nothing is repaired.
    """
    from gateway.cli.surroundings import run

    report = run(_verify(public_key or [], closed=closed))
    checkpoint = report.checkpoint
    value = {
        "sound": report.is_sound,
        "entries": report.entries,
        "checkpoints": report.checkpoints,
        "uncovered": report.uncovered,
        "checkpoint": None
        if checkpoint is None
        else {
            "size": checkpoint.size,
            "root": base64.b64encode(checkpoint.root).decode(),
            "signed_at": checkpoint.signed_at.isoformat(),
        },
        "faults": [{"position": fault.position, "reason": fault.reason} for fault in report.faults],
    }
    answer(value, _report_lines(report), as_json=as_json)
    if not report.is_sound:
        raise typer.Exit(ExitCode.NOT_SOUND)


@commands.command()
def prove(
    position: Annotated[
        int | None, typer.Argument(min=0, help="The entry's position, counted from 0.", show_default=False)
    ] = None,
    old: Annotated[
        int | None, typer.Option("--from", min=1, help="Size of an earlier head: prove consistency, not inclusion.")
    ] = None,
    new: Annotated[
        int | None, typer.Option("--to", min=1, help="Size of the later head; without it the latest checkpoint's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print a proof from the tree: that one entry is under the latest checkpoint (RFC 6962 §2.1.1), or, with --from, that a later
    head only added to an earlier one (RFC 6962 §2.1.2).
    """
    if old is not None and position is None:
        _answer_consistency(old, new, as_json=as_json)
    elif position is not None and old is None and new is None:
        _answer_inclusion(position, as_json=as_json)
    else:
        raise typer.BadParameter("name either the position of an entry or --from with the size of an earlier head")


def _answer_inclusion(position: int, *, as_json: bool) -> None:
    from gateway.cli.surroundings import run

    value = run(_prove(position))
    if value is None:
        stop(
            f"没有已签名覆盖的第 {position} 条 · no entry {position} is under a checkpoint",
            ExitCode.NOT_FOUND,
        )
    lines = [
        f"第 {position} 条已证明 · entry {position} is proven",
        f"leaf  {value['leaf_hash']}",
        *(f"path  {node}" for node in value["path"]),
        "",
        *value["checkpoint"].splitlines(),
    ]
    answer(value, lines, as_json=as_json)


def _answer_consistency(old: int, new: int | None, *, as_json: bool) -> None:
    from gateway.cli.surroundings import run

    value = run(_prove_consistency(old, new))
    if value is None:
        stop(
            "没有这样大小的已签名树 · no checkpoint covers heads of these sizes, the smaller one first",
            ExitCode.NOT_FOUND,
        )
    lines = [
        f"{value['from']} 条的树是 {value['to']} 条的开头 · the head of {value['to']} extends the head of {value['from']}",
        *(f"path  {node}" for node in value["path"]),
        "",
        *value["checkpoint"].splitlines(),
    ]
    answer(value, lines, as_json=as_json)


@commands.command()
def checkpoint(as_json: AsJson = False) -> None:
    """Print the latest signed tree head (C2SP tlog-checkpoint) and the keys that verify it."""
    from gateway.cli.surroundings import run

    note, keys = run(_checkpoint())
    if note is None:
        stop("尚无检查点 · there is no checkpoint yet", ExitCode.NOT_FOUND, remedy="serve for a second")
    answer({"checkpoint": note, "keys": keys}, [*note.splitlines(), *("", *keys)], as_json=as_json)


async def _verify(verifier_keys: list[str], *, closed: bool) -> "Report":
    from foundation.ledger.verification import verify_ledger
    from gateway.cli.checkpoint_keys import read_checkpoint_keys, read_verifier_key
    from gateway.cli.stores import make_sealer, open_database
    from gateway.cli.surroundings import read_settings

    settings = read_settings()
    sealer = None if closed else make_sealer(settings)
    progress("checking every row, tile and checkpoint …")
    async with open_database(settings) as db, db.read() as connection:
        keys = [read_verifier_key(text) for text in verifier_keys] or await read_checkpoint_keys(connection)
        return await verify_ledger(connection, public_keys=keys, name=settings.ledger_name, sealer=sealer)


async def _prove(position: int) -> dict[str, Any] | None:
    from foundation.ledger.proofs import prove_inclusion
    from gateway.cli.stores import open_database
    from gateway.cli.surroundings import read_settings

    async with open_database(read_settings()) as db, db.read() as connection:
        proof = await prove_inclusion(connection, position)
    if proof is None:
        return None
    return {
        "position": proof.position,
        "body": proof.body,
        "leaf_hash": base64.b64encode(proof.leaf_hash).decode(),
        "path": [base64.b64encode(node).decode() for node in proof.path],
        "checkpoint": proof.checkpoint.note,
    }


async def _prove_consistency(old: int, new: int | None) -> dict[str, Any] | None:
    from foundation.ledger.proofs import prove_consistency
    from foundation.ledger.store import find_latest_checkpoint
    from gateway.cli.stores import open_database
    from gateway.cli.surroundings import read_settings

    async with open_database(read_settings()) as db, db.read() as connection:
        latest = await find_latest_checkpoint(connection)
        larger = new if new is not None or latest is None else latest.size
        if latest is None or larger is None or not old <= larger <= latest.size:
            return None
        path = await prove_consistency(connection, old, larger)
    return {
        "from": old,
        "to": larger,
        "path": [base64.b64encode(node).decode() for node in path],
        "checkpoint": latest.note,
    }


async def _checkpoint() -> tuple[str | None, list[str]]:
    from foundation.ledger.checkpoints import verifier_key
    from foundation.ledger.store import find_latest_checkpoint
    from gateway.cli.checkpoint_keys import read_checkpoint_keys
    from gateway.cli.stores import open_database
    from gateway.cli.surroundings import read_settings

    settings = read_settings()
    async with open_database(settings) as db, db.read() as connection:
        latest = await find_latest_checkpoint(connection)
        keys = await read_checkpoint_keys(connection)
    return (
        None if latest is None else latest.note,
        [verifier_key(settings.ledger_name, key) for key in keys],
    )


def _report_lines(report: "Report") -> list[str]:
    if not report.is_sound:
        return [
            f"✗ 台账不完好 · the ledger is NOT sound: {len(report.faults)} fault(s)",
            *(
                f"  第 {fault.position} 条 · entry {fault.position}: {fault.reason}"
                if fault.position is not None
                else f"  {fault.reason}"
                for fault in report.faults
            ),
        ]
    lines = [f"✓ 台账完好 · the ledger is sound: {report.entries} entries, {report.checkpoints} checkpoints"]
    if report.checkpoint is not None:
        lines += [f"  {line}" for line in report.checkpoint.note.splitlines() if line]
    if report.uncovered:
        lines.append(f"  {report.uncovered} entries wait for the next checkpoint")
    return lines
