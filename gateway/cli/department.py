"""`renzheng department`: the public bodies to which applications, officers and grants belong."""

import re
from typing import Annotated, Any

import typer

from gateway.cli.console import answer, stop, table
from gateway.cli.exit_codes import EXIT_CODES_HELP, ExitCode

commands = typer.Typer(
    help=(
        "Departments.\n\nExamples:\n\n"
        "  renzheng department list\n\n"
        "  renzheng department add housing --name-zh 青榆区住房和城乡建设局 \\\n\n"
        "      --name-en 'Qingyu District Housing Bureau' --uscc 统一社会信用代码 --parent data"
    ),
    epilog=EXIT_CODES_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_SLUG = re.compile(r"[a-z][a-z0-9-]{0,62}[a-z0-9]", re.ASCII)


@commands.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List every department by its slug."""
    from gateway.cli.surroundings import run

    found = run(_load())
    rows = [(one["slug"], one["name_zh"], one["uscc"], one["parent"] or "") for one in found]
    answer({"departments": found}, table(("slug", "name", "USCC", "parent"), rows), as_json=as_json)


@commands.command()
def add(
    slug: Annotated[str, typer.Argument(help="Short name for commands: lower-case letters, digits, hyphens.")],
    name_zh: Annotated[str, typer.Option(help="Name in Chinese, as people see it.")],
    name_en: Annotated[str, typer.Option(help="Name in English.")],
    uscc: Annotated[str, typer.Option(help="统一社会信用代码; no two departments share one.")],
    parent: Annotated[str | None, typer.Option(help="Slug of the department above it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a department; slug and code stand for it in records and never change."""
    if not _SLUG.fullmatch(slug):
        stop(f"简称格式不对 · {slug} is no slug", ExitCode.USAGE, remedy="lower-case letters, digits and hyphens")
    from gateway.cli.surroundings import run

    department_id = run(_add(slug, name_zh, name_en, uscc, parent))
    answer({"slug": slug, "department_id": department_id}, [f"已登记 · added {slug}"], as_json=as_json)


async def _load() -> list[dict[str, Any]]:
    from gateway.cli.surroundings import read_settings
    from gateway.composition import open_parts

    async with open_parts(read_settings(), background=False) as parts:
        found = await parts.directory.all_departments()
    slugs = {one.department_id: one.slug for one in found}
    return [
        {
            "slug": one.slug,
            "name_zh": one.name_zh,
            "name_en": one.name_en,
            "uscc": one.uscc,
            "parent": slugs.get(one.parent_id or ""),
        }
        for one in found
    ]


async def _add(slug: str, name_zh: str, name_en: str, uscc: str, parent: str | None) -> str:
    from foundation.identifiers import InvalidIdentifier
    from gateway.cli.surroundings import read_settings
    from gateway.composition import open_parts
    from idp.people.departments import add_department
    from idp.people.errors import RecordConflict

    async with open_parts(read_settings(), background=False) as parts:
        above = None if parent is None else await parts.directory.find_department_by_slug(parent)
        if parent is not None and above is None:
            stop(f"没有这个部门 · there is no department {parent}", ExitCode.NOT_FOUND)
        try:
            made = await add_department(
                slug,
                name_zh,
                name_en,
                uscc,
                parent_id=None if above is None else above.department_id,
                actor="system:cli",
                db=parts.db,
                ledger=parts.ledger,
                feed=parts.feed,
                entropy=parts.entropy,
                now=parts.clock(),
            )
        except InvalidIdentifier:
            stop("统一社会信用代码有误 · this is no valid USCC", ExitCode.USAGE)
        except RecordConflict:
            stop("简称或代码已被占用 · the slug or the USCC is taken", ExitCode.IN_THE_WAY)
        return made.department_id
