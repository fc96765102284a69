"""The files a page loads: style sheet, drawings, one script. Nothing comes from elsewhere.

Every file is read once, at first use, and served under a name that carries the SHA-256 of its content, so that a
browser may keep it for ever (RFC 9111 §5.2.2.1; RFC 8246 ``immutable``). ``tokens.css`` is joined into ``app.css``.
"""

import base64
import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.pages.paths import PATHS

_FOLDER = Path(__file__).parent.parent / "static"
_MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".js": "text/javascript; charset=utf-8"}
_TOKENS_IMPORT = '@import url("tokens.css") layer(tokens);'
_LOCAL_URL = re.compile(r'url\("([a-z-]+\.svg)"\)')
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file ready to be sent; ``name`` is the hashed one. ``packed`` is the gzip form of ``content``.

    ``integrity`` is what a page says of the file it loads (Subresource Integrity §3.1): a browser runs or applies nothing else.
    """

    name: str
    media_type: str
    content: bytes
    packed: bytes
    integrity: str

    @property
    def url(self) -> str:
        """The address of this very content."""
        return f"{PATHS.static}/{self.name}"


@lru_cache(maxsize=1)
def static_files() -> Mapping[str, StaticFile]:
    """Return the served files by their plain names."""
    files: dict[str, StaticFile] = {}
    for path in sorted(_FOLDER.iterdir()):
        if path.suffix in _MEDIA_TYPES and path.suffix != ".css" and path.name != "icons.svg":
            files[path.name] = _static_file(path.name, path.read_bytes())
    files["app.css"] = _static_file("app.css", _joined_style_sheet(files).encode())
    return files


def static_url(name: str) -> str:
    """Return the content-hashed address of the file ``name``; an unknown name is a KeyError, found by any test."""
    return static_files()[name].url


def static_integrity(name: str) -> str:
    """Return the value of the attribute ``integrity`` beside the address of the file ``name``."""
    return static_files()[name].integrity


async def send_static_file(request: Request) -> Response:
    """``GET /static/{name}``: the file with that hashed name, or 404; never a path on the disk."""
    asked = request.path_params["name"]
    found = next((file for file in static_files().values() if file.name == asked), None)
    if found is None:
        return Response(status_code=404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(found.packed, media_type=found.media_type, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)


def static_route() -> Route:
    """Return the route that serves the files."""
    return Route(f"{PATHS.static}/{{name}}", send_static_file, methods=["GET"], name="static")


@lru_cache(maxsize=1)
def icon_symbols() -> Mapping[str, str]:
    """Return the ``<symbol>`` of every icon by its name, read from ``icons.svg``."""
    sprite = (_FOLDER / "icons.svg").read_text(encoding="utf-8")
    return {found[2]: found[1] for found in re.finditer(r'(<symbol id="i-([a-z]+)".*?</symbol>)', sprite)}


def _static_file(name: str, content: bytes) -> StaticFile:
    plain = PurePath(name)
    hashed = f"{plain.stem}.{hashlib.sha256(content).hexdigest()[:12]}{plain.suffix}"
    # mtime=0 keeps the packed form the same on every node.
    packed = gzip.compress(content, compresslevel=9, mtime=0)
    digest = base64.b64encode(hashlib.sha384(content).digest()).decode("ascii")
    return StaticFile(
        name=hashed,
        media_type=_MEDIA_TYPES[plain.suffix],
        content=content,
        packed=packed,
        integrity=f"sha384-{digest}",
    )


def _joined_style_sheet(files: Mapping[str, StaticFile]) -> str:
    """Return one style sheet: the tokens put into their layer, comments and indentation dropped, drawings hashed."""
    tokens = (_FOLDER / "tokens.css").read_text(encoding="utf-8")
    sheet = (_FOLDER / "app.css").read_text(encoding="utf-8")
    joined = sheet.replace(_TOKENS_IMPORT, "@layer tokens {\n" + tokens + "\n}")
    lines = (line.strip() for line in _COMMENT.sub("", joined).splitlines())
    compact = "\n".join(line for line in lines if line)
    return _LOCAL_URL.sub(lambda found: f'url("{files[found[1]].url}")', compact)
