"""Plays a browser at the province center: reads the page's form and presses a button."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import httpx2


async def walk_through_center(url: str, person: str) -> Mapping[str, str]:
    """Return the parameters with which the center sends the browser back; an empty person gives up."""
    origin = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"
    async with httpx2.AsyncClient(trust_env=False) as browser:
        page = await browser.get(url)
        assert page.status_code == 200, page.text
        request = re.search(r'name="request" value="([^"]+)"', page.text)
        assert request is not None
        form = {"request": request[1], "person": person}
        answer = await browser.post(f"{origin}/authorize/decide", data=form)
    assert answer.status_code == 303
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))
