"""How a person wants to see the pages: theme, elder mode, text size and language, kept in one cookie.

The cookie ``rz_view`` holds four words, for example ``dark.elder.2.en``. It is no secret and decides nothing but
appearance, so it is not signed; each word is checked against its list and an unknown one falls back to the default.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.i18n import Language
from gateway.pages.paths import PATHS
from gateway.security.forms import Form

Theme = Literal["light", "dark", "contrast"]
Mode = Literal["standard", "elder"]
TextSize = Literal["1", "2", "3"]

COOKIE_NAME = "rz_view"
COOKIE_MAX_AGE = 365 * 24 * 3600
NEXT_LENGTH_LIMIT = 2000

# RFC 3986 path and query characters. "#" is left out: a fragment never reaches the server.
_LOCAL_TARGET = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*", re.ASCII)
# A control character, slash or backslash in disguise has no business in a path of ours.
_DISGUISED = re.compile(r"%(?:[01][0-9a-f]|7f|2f|5c)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Preferences:
    """The four choices. The defaults are what a new visitor sees."""

    theme: Theme = "light"
    mode: Mode = "standard"
    text: TextSize = "1"
    language: Language = "zh-CN"

    def cookie_value(self) -> str:
        """Return the value of the cookie that brings these preferences back."""
        return f"{self.theme}.{self.mode}.{self.text}.{self.language}"


def parse_preferences(cookies: Mapping[str, str]) -> Preferences:
    """Read the preferences cookie; a missing or damaged cookie, or a damaged word of it, means the default."""
    words = cookies.get(COOKIE_NAME, "").split(".")
    if len(words) != 4:
        return Preferences()
    theme, mode, text, language = words
    return change(Preferences(), {"theme": theme, "mode": mode, "text": text, "lang": language})


def change(preferences: Preferences, wishes: Mapping[str, str]) -> Preferences:
    """Return ``preferences`` with every acceptable wish (``theme``, ``mode``, ``text``, ``lang``) fulfilled."""
    for theme in get_args(Theme):
        if wishes.get("theme") == theme:
            preferences = replace(preferences, theme=theme)
    for mode in get_args(Mode):
        if wishes.get("mode") == mode:
            preferences = replace(preferences, mode=mode)
    for text in get_args(TextSize):
        if wishes.get("text") == text:
            preferences = replace(preferences, text=text)
    for language in get_args(Language):
        if wishes.get("lang") == language:
            preferences = replace(preferences, language=language)
    return preferences


def safe_next(target: str, *, default: str = PATHS.home) -> str:
    """Return ``target`` when it is a path on this origin, else ``default`` (RFC 9700 §4.11.1: no open redirector).

    Anything that a browser could read as another authority is refused: ``//host``, a backslash, a scheme,
    control characters, dot segments, and the same in percent-encoding.
    """
    path = target.split("?", 1)[0]
    acceptable = (
        len(target) <= NEXT_LENGTH_LIMIT
        and _LOCAL_TARGET.fullmatch(target) is not None
        and "//" not in path
        and "/." not in path
        and _DISGUISED.search(path) is None
    )
    return target if acceptable else default


async def change_preferences(request: Request) -> Response:
    """``POST /preferences``: set the cookie and lead back to the page (303), which the form names in ``next``.

    The form has been parsed, and its origin checked, by the guard in front of every page.
    """
    form: Form = request.state.form
    wishes = {name: form.text(name) for name in ("theme", "mode", "text", "lang", "next")}
    preferences = change(parse_preferences(request.cookies), wishes)
    response = RedirectResponse(safe_next(wishes["next"]), status_code=303)
    response.set_cookie(
        COOKIE_NAME,
        preferences.cookie_value(),
        max_age=COOKIE_MAX_AGE,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response
