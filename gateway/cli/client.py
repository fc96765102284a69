"""`renzheng client`: the applications that people sign in to and that look licenses up."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.client_change import change
from gateway.cli.client_invitations import approve, invite, login_link, registration_token
from gateway.cli.console import answer, stop, table, warn
from gateway.cli.exit_codes import EXIT_CODES_HELP, ExitCode

commands = typer.Typer(
    help=(
        "Client applications.\n\nExamples:\n\n"
        "  renzheng client list\n\n"
        "  renzheng client add jzz --name-zh 居住证办理 --name-en 'Residence permits' --department housing \\\n\n"
        "      --redirect-uri https://jzz.example/callback --scope openid --scope realname\n\n"
        "  renzheng client add bdc --name-zh 不动产登记 --name-en 'Real estate' --department housing --policy high \\\n\n"
        "      --auth-method private_key_jwt --jwks bdc-keys.json --redirect-uri https://bdc.example/callback\n\n"
        "  renzheng client add bdc-review --name-zh 不动产审核 --name-en 'Real estate review' --department housing \\\n\n"
        "      --grant-type urn:ietf:params:oauth:grant-type:token-exchange --scope license.lookup \\\n\n"
        "      --serves https://bdc.example/api --exempt-basis 《不动产登记暂行条例》\n\n"
        "  renzheng client invite --department housing --policy high --uses 3 --days 14\n\n"
        "  renzheng client rotate-secret jzz --overlap-days 7\n\n"
        "  renzheng client disable jzz"
    ),
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ClientId = Annotated[str, typer.Argument(help="The client_id.")]


@commands.command("list")
def list_clients(as_json: AsJson = False) -> None:
    """List every client with its department, policy and state."""
    from gateway.cli.client_acts import list_all
    from gateway.cli.surroundings import run

    clients = run(list_all())
    rows = [(one["client_id"], one["name_zh"], one["department"], one["policy"], one["status"]) for one in clients]
    answer({"clients": clients}, table(("client_id", "name", "department", "policy", "status"), rows), as_json=as_json)
    for one in clients:
        if one["legacy_state"] in ("ending", "ended"):
            warn(f"例外即将或已经到期 · {one['client_id']}: legacy exceptions end {one['legacy_until']:%Y-%m-%d}")


@commands.command()
def add(
    client_id: ClientId,
    name_zh: Annotated[str, typer.Option(help="Name shown to people, in Chinese.")],
    name_en: Annotated[str, typer.Option(help="Name shown to people, in English.")],
    department: Annotated[str, typer.Option(help="Slug of the responsible department.")],
    redirect_uri: Annotated[list[str] | None, typer.Option(help="May be repeated; compared exactly.")] = None,
    post_logout_redirect_uri: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    backchannel_logout_uri: Annotated[str | None, typer.Option(help="Where sign-outs are told.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    grant_type: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    resource: Annotated[
        list[str] | None,
        typer.Option(
            help="What its tokens may be for besides UserInfo; may be repeated. A service's default is the license API."
        ),
    ] = None,
    serves: Annotated[
        list[str] | None,
        typer.Option(
            help="A resource it answers for: it may introspect and exchange tokens made for it; may be repeated."
        ),
    ] = None,
    exempt_basis: Annotated[
        str | None,
        typer.Option(
            help="The law, by its name and article, under which people are not asked for consent. It is shown to them."
        ),
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="A native app without a secret.")] = False,
    policy: Annotated[str, typer.Option(help="baseline, high, high-signed or legacy.")] = "baseline",
    auth_method: Annotated[str | None, typer.Option(help="token_endpoint_auth_method.")] = None,
    jwks: Annotated[Path | None, typer.Option(help="JSON file of the public keys (JWK Set).")] = None,
    jwks_uri: Annotated[str | None, typer.Option(help="Where the client publishes its keys.")] = None,
    metadata: Annotated[
        Path | None,
        typer.Option(help="JSON file of further members, named as in RFC 7591; it goes before the options."),
    ] = None,
    legacy_exception: Annotated[list[str] | None, typer.Option(help="Under policy legacy; may be repeated.")] = None,
    legacy_until: Annotated[datetime | None, typer.Option(help="When the exceptions end, UTC.")] = None,
    as_json: AsJson = False,
) -> None:
    """Register a client and print its secret, which is never shown again."""
    from gateway.cli.client_acts import NewClient, add_one
    from gateway.cli.client_files import read_key_set_file, read_metadata_file
    from gateway.cli.surroundings import run

    document = {} if metadata is None else read_metadata_file(metadata)
    if auth_method is not None:
        document.setdefault("token_endpoint_auth_method", auth_method)
    if jwks is not None:
        document.setdefault("jwks", read_key_set_file(jwks))
    if jwks_uri is not None:
        document.setdefault("jwks_uri", jwks_uri)
    wanted = NewClient(
        client_id=client_id,
        name_zh=name_zh,
        name_en=name_en,
        department=department,
        redirect_uris=tuple(redirect_uri or ()),
        post_logout_redirect_uris=tuple(post_logout_redirect_uri or ()),
        backchannel_logout_uri=backchannel_logout_uri,
        scopes=tuple(scope or ("openid", "profile")),
        grant_types=tuple(grant_type or ("authorization_code",)),
        resources=tuple(resource or ()),
        serves=tuple(serves or ()),
        exempt_basis=exempt_basis,
        public=public,
        policy=policy,
        document=document,
        legacy_exceptions=tuple(legacy_exception or ()),
        legacy_until=None if legacy_until is None else legacy_until.replace(tzinfo=UTC),
    )
    secret = run(add_one(wanted))
    lines = [f"已登记 · registered {client_id}"]
    if secret is not None:
        lines += [f"client_secret: {secret}", "请立即保存，不再显示 · keep it now, it is never shown again"]
    answer({"client_id": client_id, "client_secret": secret}, lines, as_json=as_json)


commands.command()(change)
commands.command()(invite)
commands.command()(approve)
commands.command("registration-token")(registration_token)
commands.command("login-link")(login_link)


@commands.command("rotate-secret")
def rotate_secret(
    client_id: ClientId,
    overlap_days: Annotated[int, typer.Option(min=0, max=30, help="How long the old secret stays valid.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Give a client a new secret; the old one stays valid for the overlap."""
    from gateway.cli.client_acts import rotate_one
    from gateway.cli.surroundings import run

    secret = run(rotate_one(client_id, timedelta(days=overlap_days)))
    lines = [f"client_secret: {secret}", f"旧密钥 {overlap_days} 天后失效 · the old one ends in {overlap_days} days"]
    answer({"client_id": client_id, "client_secret": secret}, lines, as_json=as_json)


@commands.command()
def disable(client_id: ClientId, as_json: AsJson = False) -> None:
    """Stop a client at once: no sign-ins, no tokens, and its access tokens are revoked."""
    _set_status(client_id, open_again=False)
    answer({"client_id": client_id, "status": "disabled"}, [f"已停用 · disabled {client_id}"], as_json=as_json)


@commands.command()
def enable(client_id: ClientId, as_json: AsJson = False) -> None:
    """Let a disabled client sign people in and obtain tokens again."""
    _set_status(client_id, open_again=True)
    answer({"client_id": client_id, "status": "active"}, [f"已恢复 · enabled {client_id}"], as_json=as_json)


def _set_status(client_id: str, *, open_again: bool) -> None:
    from gateway.cli.client_acts import set_status
    from gateway.cli.surroundings import run

    if not run(set_status(client_id, open_again=open_again)):
        stop(f"没有这个应用 · there is no client {client_id}", ExitCode.NOT_FOUND)
