"""Point 6: the citizen sees every use of the licenses, refused ones too, within two seconds."""

import re
import time

from gateway.stories.browser import Page
from gateway.stories.main.cast import Cast, Use
from gateway.stories.story import expect, wait_until

VISIBLE_WITHIN_S = 2.0
_TOTAL = re.compile(r"共 ?([0-9][0-9,]*) ?条", re.ASCII)


def count_before(cast: Cast) -> str:
    """Remember how many uses the citizen sees before the officer begins, and how the catalogue calls the fields."""
    types = cast.program.get(f"{cast.world.issuer}/api/v1/license-types").json()["license_types"]
    cast.labels = {one["code"]: {field["name"]: field["label"] for field in one["fields"]} for one in types}
    cast.accesses_before = _total(cast.citizen.open(cast.world.urls["accesses"]))
    return f"{cast.accesses_before} uses on record before"


def see_every_use(cast: Cast) -> str:
    """Every lookup of points 4 and 5 is on the page with department, purpose, license, fields and outcome."""
    wanted = cast.accesses_before + len(cast.uses)

    def look() -> Page | None:
        page = cast.citizen.open(cast.world.urls["accesses"])
        return page if _total(page) >= wanted else None

    page = wait_until(look, seconds=VISIBLE_WITHIN_S, otherwise=f"the page does not show {wanted} uses")
    seen_after = time.monotonic() - cast.last_use_at
    total = _total(page)
    expect(total == wanted, f"the page shows {total} uses instead of {wanted}")
    newest = page.document.articles[: len(cast.uses)]
    # The newest stands first; two uses of one second may stand in either order.
    missing = [use for use in cast.uses if not _take(newest, use)]
    expect(not missing, f"not on the page: {'; '.join(_words(use) for use in missing)}")
    for article in page.document.articles[: len(cast.uses)]:
        expect("青榆区住房和城乡建设局" in article, "a use does not name the department")
    refused = sum(not use.allowed for use in cast.uses)
    expect(cast.world.officer.name not in page.text, "the page names the officer by name")
    return f"{len(cast.uses)} uses, {refused} of them refused, seen {seen_after:.1f} s after the last one"


def _take(articles: list[str], use: Use) -> bool:
    outcome = "已提供" if use.allowed else "已拒绝"
    for article in articles:
        names_purpose = "公共租赁住房资格申请" in article
        named = f"{use.license_name}：{'、'.join(use.fields)} 程度"
        if named in article and outcome in article and names_purpose and (use.case in article or not use.allowed):
            articles.remove(article)
            return True
    return False


def _words(use: Use) -> str:
    return f"{use.license_name} {'allowed' if use.allowed else f'refused {use.code}'}"


def _total(page: Page) -> int:
    expect(page.status == 200, f"the page of accesses answered {page.describe()}")
    found = _TOTAL.search(page.text)
    return int(found[1].replace(",", "")) if found else 0
