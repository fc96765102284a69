"""`renzheng license`: what is known of a stored license, its status, and the protection of holders; never a value of its face."""

from typing import Annotated, NoReturn

import typer

from gateway.cli.console import answer, stop
from gateway.cli.exit_codes import EXIT_CODES_HELP, ExitCode

commands = typer.Typer(
    help=(
        "Stored licenses and protected holders.\n\nExamples:\n\n"
        "  renzheng license show LICENSE\n\n"
        "  renzheng license status LICENSE suspended --reason '法院协助执行'\n\n"
        "  renzheng license status LICENSE valid                  restore it\n\n"
        "  renzheng license status LICENSE revoked                end it for good\n\n"
        "  renzheng license protect --user zhoujingyan\n\n"
        "  renzheng license protect --type 111                    asks for the number, so that it stays in no history\n\n"
        "  renzheng license unprotect --user zhoujingyan"
    ),
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Reference = Annotated[
    str, typer.Argument(metavar="LICENSE", help="电子证照标识 (GB/T 36904), or the license's id in the ledger.")
]
UserName = Annotated[str | None, typer.Option("--user", help="The holder's user name, for a person with an account.")]
HolderType = Annotated[
    str, typer.Option("--type", help="Holder code type of GB/T 36903: 111 居民身份证, 001 统一代码.")
]
HolderNumber = Annotated[
    str | None, typer.Option("--number", help="The holder's number; asked for when neither it nor --user is given.")
]


@commands.command()
def show(license_: Reference, as_json: AsJson = False) -> None:
    """Show type, status, issuer and validity of a license; neither its holder nor its number."""
    from gateway.cli.license_acts import describe
    from gateway.cli.surroundings import run

    shown = run(describe(license_))
    if shown is None:
        _unknown()
    told = {name: value for name, value in shown.items() if value is not None}
    answer(shown, [f"{name}: {value}" for name, value in told.items()], as_json=as_json)


@commands.command()
def status(
    license_: Reference,
    wanted: Annotated[
        str,
        typer.Argument(
            metavar="STATUS",
            help="valid, not_active, suspended, expired, replaced, cancelled, withdrawn, revoked, invalid or other.",
        ),
    ],
    reason: Annotated[
        str, typer.Option(help="Kept sealed beside the entry in the ledger; at most 200 characters.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Change the status of a license; the next lookup tells it. What ends a license is never undone.

    A later report of the issuer may change it again, as far as the statuses allow.
    """
    from gateway.cli.license_acts import STATUSES, StatusImpossible, change_status
    from gateway.cli.surroundings import run

    if wanted not in STATUSES:
        stop(f"没有这个状态 · there is no status {wanted} ({', '.join(STATUSES)})", ExitCode.USAGE)
    try:
        changed = run(change_status(license_, wanted, reason))
    except StatusImpossible as impossible:
        possible = ", ".join(impossible.possible) or "none: it has ended"
        stop(
            f"不能从 {impossible.present} 变为 {wanted} · {impossible.present} does not become {wanted}",
            ExitCode.NOT_SOUND,
            remedy=f"possible: {possible}",
        )
    if changed is None:
        _unknown()
    said = "已变更" if changed else "已是此状态"
    answer({"license": license_, "status": wanted, "changed": changed}, [f"{said} · {wanted}"], as_json=as_json)


@commands.command()
def protect(
    user_name: UserName = None, holder_type: HolderType = "111", number: HolderNumber = None, as_json: AsJson = False
) -> None:
    """Protect a holder: to callers without clearance it seems to hold no license. Every node follows within a second."""
    _set_protection(True, user_name, holder_type, number, as_json=as_json)


@commands.command()
def unprotect(
    user_name: UserName = None, holder_type: HolderType = "111", number: HolderNumber = None, as_json: AsJson = False
) -> None:
    """End the protection of a holder."""
    _set_protection(False, user_name, holder_type, number, as_json=as_json)


def _set_protection(
    protected: bool, user_name: str | None, holder_type: str, number: str | None, *, as_json: bool
) -> None:
    if user_name is not None and number is not None:
        stop("--user 与 --number 不能同时给出 · give either, not both", ExitCode.USAGE)
    if user_name is None and number is None:
        number = typer.prompt("持证主体号码 · number of the holder", hide_input=True)
    from gateway.cli.license_acts import protect_number, protect_user
    from gateway.cli.surroundings import run

    if user_name is not None:
        changed = run(protect_user(user_name, protected))
        if changed is None:
            stop(f"没有这个用户 · there is no user {user_name}", ExitCode.NOT_FOUND)
    else:
        changed = run(protect_number(holder_type, number or "", protected))
    if not changed:
        said = "未变更 · nothing to change"
    else:
        said = "已保护 · protected" if protected else "已解除保护 · no longer protected"
    answer({"protected": protected, "changed": changed}, [said], as_json=as_json)


def _unknown() -> NoReturn:
    stop("没有这份证照 · there is no such license", ExitCode.NOT_FOUND, remedy="give the whole identifier, or the id")
