"""Commands of `renzheng client` for applications that register themselves (RFC 7591, RFC 7592)."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from gateway.cli.console import answer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def invite(
    department: Annotated[str, typer.Option(help="Slug of the department whose applications they will be.")],
    policy: Annotated[str, typer.Option(help="baseline, high, high-signed or legacy.")] = "baseline",
    uses: Annotated[int, typer.Option(min=1, max=1000, help="How many applications may register.")] = 1,
    days: Annotated[int, typer.Option(min=1, max=90, help="How long the invitation stands.")] = 7,
    scope: Annotated[list[str] | None, typer.Option(help="What they may ask for; may be repeated.")] = None,
    grant_type: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    legacy_exception: Annotated[list[str] | None, typer.Option(help="Under policy legacy; may be repeated.")] = None,
    legacy_until: Annotated[datetime | None, typer.Option(help="When the exceptions end, UTC.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an invitation (initial access token) by which a department registers its applications itself."""
    from gateway.cli.client_acts import NewInvitation, invite_some
    from gateway.cli.surroundings import run

    wanted = NewInvitation(
        department=department,
        policy=policy,
        uses=uses,
        days=days,
        scopes=tuple(scope or ("openid", "profile")),
        grant_types=tuple(grant_type or ("authorization_code", "refresh_token")),
        legacy_exceptions=tuple(legacy_exception or ()),
        legacy_until=None if legacy_until is None else legacy_until.replace(tzinfo=UTC),
    )
    made = run(invite_some(wanted))
    lines = [
        f"登记地址 · registration endpoint: {made['registration_endpoint']}",
        f"initial_access_token: {made['initial_access_token']}",
        f"可用 {uses} 次，{days} 天内有效，不再显示 · {uses} use(s) within {days} day(s); it is never shown again",
    ]
    answer(made, lines, as_json=as_json)


def approve(
    client_id: Annotated[str, typer.Argument(help="The client_id of an application that registered itself.")],
    as_json: AsJson = False,
) -> None:
    """Say that somebody looked at an application's names and addresses; until then people are told that nobody has."""
    from gateway.cli.client_acts import approve_one
    from gateway.cli.surroundings import run

    run(approve_one(client_id))
    answer({"client_id": client_id, "reviewed": True}, [f"已审核 · approved {client_id}"], as_json=as_json)


def registration_token(
    client_id: Annotated[str, typer.Argument(help="The client_id of an application that registered itself.")],
    as_json: AsJson = False,
) -> None:
    """Give an application a new registration access token, because it lost the last one; the old one ends now."""
    from gateway.cli.client_acts import renew_token
    from gateway.cli.surroundings import run

    token = run(renew_token(client_id))
    lines = [f"registration_access_token: {token}", "请立即保存，不再显示 · keep it now, it is never shown again"]
    answer({"client_id": client_id, "registration_access_token": token}, lines, as_json=as_json)


def login_link(
    client_id: Annotated[str, typer.Argument(help="The client_id.")],
    as_json: AsJson = False,
) -> None:
    """Print the address at which a sign-in to the application begins from elsewhere (initiate_login_uri)."""
    from gateway.cli.client_acts import find_login_link
    from gateway.cli.surroundings import run

    link = run(find_login_link(client_id))
    answer({"client_id": client_id, "login_link": link}, [link], as_json=as_json)
