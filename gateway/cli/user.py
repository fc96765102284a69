"""`renzheng user`: people entered at a counter, and what an operator may do to their accounts."""

from typing import Annotated

import typer

from gateway.cli.console import answer, stop, table
from gateway.cli.exit_codes import EXIT_CODES_HELP, ExitCode

commands = typer.Typer(
    help=(
        "People and their accounts.\n\nExamples:\n\n"
        "  renzheng user list\n\n"
        "  renzheng user add --name 周静言 --user-name zhoujingyan --phone 13800000005\n\n"
        "      asks for the document number and the password, so that neither stays in the shell's history\n\n"
        "  renzheng user enrol-totp zhoujingyan\n\n"
        "  renzheng user disable zhoujingyan\n\n"
        "  renzheng user end-officer housing ZJ-0317    the post, its sessions and tokens; the person stays\n\n"
        "  renzheng user close-account zhoujingyan      for good, with everything personal erased"
    ),
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
UserName = Annotated[str, typer.Argument(help="The user name.")]


@commands.command("list")
def list_users(as_json: AsJson = False) -> None:
    """List the accounts by user name, with level, state and post; names and numbers are masked."""
    from gateway.cli.surroundings import run
    from gateway.cli.user_acts import list_all

    users = run(list_all())
    rows = [
        (
            one["user_name"] or "—",
            one["name"],
            one["document_number"],
            str(one["level"]),
            one["status"],
            one["post"] or "",
        )
        for one in users
    ]
    answer({"users": users}, table(("user name", "name", "document", "level", "status", "post"), rows), as_json=as_json)


@commands.command()
def add(
    name: Annotated[str, typer.Option(help="Name as on the document.")],
    user_name: Annotated[str, typer.Option(help="User name to sign in with.")],
    document_number: Annotated[
        str, typer.Option(prompt=True, hide_input=True, help="公民身份号码; asked for when left out.")
    ],
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for when left out.")
    ],
    phone: Annotated[str | None, typer.Option(help="Mobile phone number.")] = None,
    department: Annotated[str | None, typer.Option(help="Slug of the department, for an officer.")] = None,
    work_number: Annotated[str | None, typer.Option(help="Work number, for an officer.")] = None,
    post_zh: Annotated[str, typer.Option(help="Post in Chinese, for an officer.")] = "窗口受理员",
    post_en: Annotated[str, typer.Option(help="Post in English, for an officer.")] = "counter clerk",
    as_json: AsJson = False,
) -> None:
    """Enter a person whose document was seen; with --department and --work-number also as an officer.

    An officer needs a second factor before the first sign-in: `renzheng user enrol-totp`.
    """
    if (department is None) != (work_number is None):
        stop("--department 与 --work-number 须同时给出 · belong together", ExitCode.USAGE)
    from gateway.cli.surroundings import run
    from gateway.cli.user_acts import NewPerson, NewPost, add_one

    post = None
    if department is not None and work_number is not None:
        post = NewPost(department, work_number, post_zh, post_en)
    account_id = run(add_one(NewPerson(name, user_name, document_number, password, phone, post)))
    answer(
        {"account_id": account_id, "user_name": user_name},
        [f"已登记 · entered {user_name} ({account_id})"],
        as_json=as_json,
    )


@commands.command("enrol-totp")
def enrol_totp(user_name: UserName, as_json: AsJson = False) -> None:
    """Give an account a new one-time password secret and print it once; a former one ends."""
    from gateway.cli.surroundings import run
    from gateway.cli.user_acts import enrol_one

    enrolment = run(enrol_one(user_name))
    if enrolment is None:
        stop(f"没有这个用户 · there is no user {user_name}", ExitCode.NOT_FOUND)
    lines = [
        f"secret: {enrolment.secret}",
        enrolment.uri,
        "请当面录入，不再显示 · enter it now, it is never shown again",
    ]
    answer({"user_name": user_name, "secret": enrolment.secret, "uri": enrolment.uri}, lines, as_json=as_json)


@commands.command()
def disable(user_name: UserName, as_json: AsJson = False) -> None:
    """Disable an account: every session, grant and token of the person ends at once."""
    _set_status(user_name, "disabled", "已停用", as_json=as_json)


@commands.command()
def enable(user_name: UserName, as_json: AsJson = False) -> None:
    """Let a disabled account sign in again."""
    _set_status(user_name, "open", "已启用", as_json=as_json)


@commands.command("close-account")
def close_account(
    user_name: UserName,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Close an account for good: sessions and tokens end, name, number, phone and credentials are erased.

    What was recorded stays on record. The person may register again and is the same person to every application.
    """
    if not yes:
        typer.confirm(f"注销 {user_name}，不可恢复？ · close {user_name} for good?", abort=True)
    _set_status(user_name, "closed", "已注销", as_json=as_json)


@commands.command("end-officer")
def end_officer(
    department: Annotated[str, typer.Argument(help="Slug of the department.")],
    work_number: Annotated[str, typer.Argument(help="The officer's work number.")],
    as_json: AsJson = False,
) -> None:
    """End an officer's post at once, with the sessions and tokens that were opened in it; the account stays.

    The work number is not given to anybody else: it stands in the records of what the officer did.
    """
    from gateway.cli.surroundings import run
    from gateway.cli.user_acts import end_post

    changed = run(end_post(department, work_number))
    if changed is None:
        stop(f"没有这个岗位 · there is no officer {work_number} in {department}", ExitCode.NOT_FOUND)
    said = "已离岗 · the post has ended" if changed else "此前已离岗 · the post had ended before"
    answer({"department": department, "work_number": work_number, "changed": changed}, [said], as_json=as_json)


@commands.command()
def totp(secret: Annotated[str, typer.Argument(help="The secret in base32, as `enrol-totp` printed it.")]) -> None:
    """Print the one-time password of this moment, for demos and drills."""
    import pyotp

    from foundation.clock import system_clock
    from gateway.cli.console import say

    try:
        say(pyotp.TOTP(secret).at(system_clock()))
    except ValueError:
        stop("这不是动态口令密钥 · this is no secret of a one-time password", ExitCode.USAGE)


def _set_status(user_name: str, status: str, said: str, *, as_json: bool) -> None:
    from gateway.cli.surroundings import run
    from gateway.cli.user_acts import set_status

    changed = run(set_status(user_name, status))
    if changed is None:
        stop(f"没有这个用户 · there is no user {user_name}", ExitCode.NOT_FOUND)
    line = f"{said} · {status}" if changed else "未变更 · nothing to change"
    answer({"user_name": user_name, "status": status, "changed": changed}, [line], as_json=as_json)
