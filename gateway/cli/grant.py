"""`renzheng grant`: see the grants under which departments look licenses up, suspend one, revoke one."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.console import answer, stop
from gateway.cli.exit_codes import EXIT_CODES_HELP, ExitCode

if TYPE_CHECKING:
    from certs_catalog.grants.version import GrantVersion

commands = typer.Typer(
    help=(
        "Grants of departments.\n\nExamples:\n\n"
        "  renzheng grant list                    every grant with its state\n\n"
        "  renzheng grant suspend G-2026-000101   no lookup under it until it is validated again\n\n"
        "  renzheng grant revoke G-2026-000101    end it for good"
    ),
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
)
GrantId = Annotated[str, typer.Argument(help="The grant's number, as `grant list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@commands.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List every grant with its version, state and department."""
    from gateway.cli.surroundings import run

    shown = [_line_of(grant) for grant in run(_load())]
    lines = ["  ".join(str(value) for value in grant.values()) for grant in shown]
    answer({"grants": shown}, lines or ["尚无授权 · there is no grant"], as_json=as_json)


@commands.command()
def suspend(grant_id: GrantId, as_json: AsJson = False) -> None:
    """Stop a grant until it is validated again; running lookups end within a second."""
    _end(grant_id, for_good=False)
    answer({"grant": grant_id, "state": "suspended"}, [f"已暂停 · suspended {grant_id}"], as_json=as_json)


@commands.command()
def revoke(grant_id: GrantId, as_json: AsJson = False) -> None:
    """End a grant for good."""
    _end(grant_id, for_good=True)
    answer({"grant": grant_id, "state": "revoked"}, [f"已撤销 · revoked {grant_id}"], as_json=as_json)


def _end(grant_id: str, *, for_good: bool) -> None:
    from gateway.cli.surroundings import run

    if not run(_change(grant_id, for_good=for_good)):
        stop(f"没有这项有效授权 · there is no grant {grant_id}, or it is revoked", ExitCode.NOT_FOUND)


def _line_of(grant: "GrantVersion") -> dict[str, Any]:
    return {
        "grant": grant.grant_id,
        "version": grant.version,
        "state": grant.state.value,
        "department": grant.content.department_id,
    }


async def _load() -> "list[GrantVersion]":
    from certs_catalog.grants.store import list_grants
    from gateway.cli.stores import open_database
    from gateway.cli.surroundings import read_settings

    async with open_database(read_settings()) as db, db.read() as connection:
        return await list_grants(connection)


async def _change(grant_id: str, *, for_good: bool) -> bool:
    from certs_catalog.errors import GrantInvalid
    from certs_catalog.grants.register import revoke_grant, suspend_grant
    from gateway.cli.surroundings import read_settings
    from gateway.composition import open_parts

    act = revoke_grant if for_good else suspend_grant
    async with open_parts(read_settings(), background=False) as parts:
        try:
            await act(grant_id, room=parts.licenses, actor="system:cli", now=parts.clock())
        except GrantInvalid:
            return False
        return True
