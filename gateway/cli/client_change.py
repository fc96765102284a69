"""`renzheng client change`: another registration for a client that exists."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.console import answer


def change(
    client_id: Annotated[str, typer.Argument(help="The client_id.")],
    redirect_uri: Annotated[list[str] | None, typer.Option(help="All of them anew; may be repeated.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="All of them anew; may be repeated.")] = None,
    policy: Annotated[str | None, typer.Option(help="baseline, high, high-signed or legacy.")] = None,
    auth_method: Annotated[str | None, typer.Option(help="token_endpoint_auth_method.")] = None,
    jwks: Annotated[Path | None, typer.Option(help="JSON file of the public keys (JWK Set).")] = None,
    jwks_uri: Annotated[str | None, typer.Option(help="Where the client publishes its keys.")] = None,
    metadata: Annotated[
        Path | None,
        typer.Option(help="JSON file of members, named as in RFC 7591; null takes a member out."),
    ] = None,
    legacy_exception: Annotated[
        list[str] | None, typer.Option(help="All of them anew, under policy legacy; may be repeated.")
    ] = None,
    legacy_until: Annotated[datetime | None, typer.Option(help="When the exceptions end, UTC.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Change what a client registered; what is not named stays, and the whole is judged again.

    Another policy than legacy ends its exceptions. A client that signs in with a secret from now on gets one.
    """
    from gateway.cli.client_change_acts import WantedChange, change_one
    from gateway.cli.client_files import read_key_set_file, read_metadata_file
    from gateway.cli.surroundings import run

    wanted = WantedChange(
        client_id=client_id,
        redirect_uris=None if redirect_uri is None else tuple(redirect_uri),
        scopes=None if scope is None else tuple(scope),
        policy=policy,
        auth_method=auth_method,
        jwks=None if jwks is None else read_key_set_file(jwks),
        jwks_uri=jwks_uri,
        document={} if metadata is None else read_metadata_file(metadata),
        legacy_exceptions=None if legacy_exception is None else tuple(legacy_exception),
        legacy_until=None if legacy_until is None else legacy_until.replace(tzinfo=UTC),
    )
    secret = run(change_one(wanted))
    lines = [f"已修改 · changed {client_id}"]
    if secret is not None:
        lines += [f"client_secret: {secret}", "请立即保存，不再显示 · keep it now, it is never shown again"]
    answer({"client_id": client_id, "client_secret": secret}, lines, as_json=as_json)
