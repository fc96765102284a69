"""`renzheng reference`: the pages of the documentation that are generated from the code."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.console import answer
from gateway.cli.exit_codes import ExitCode


def reference(
    write: Annotated[bool, typer.Option("--write", help="Write the pages that are not current.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the documentation lies.")] = Path("docs"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell which generated pages (settings, error codes, routes) are not current, or write them.

    Examples:

      renzheng reference              ends with 1 when a page is not current

      renzheng reference --write
    """
    from gateway.reference import stale_pages, write_reference

    pages = write_reference(folder) if write else stale_pages(folder)
    if not pages:
        said = "文档与代码一致 · every page is current"
    elif write:
        said = f"已更新 · written: {', '.join(pages)}"
    else:
        said = f"需要更新 · not current: {', '.join(pages)}"
    answer({"pages": pages, "written": write}, [said], as_json=as_json)
    if pages and not write:
        raise typer.Exit(ExitCode.NOT_SOUND)
