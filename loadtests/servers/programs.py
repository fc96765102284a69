"""Where the programs of the operating system lie that tests and benchmarks start.

Every function returns the absolute path of an executable, or None when it is not installed.
"""

import shutil
from pathlib import Path

DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# nginx is installed outside the search path of ordinary accounts.
NGINX_PLACES = (Path("/usr/sbin/nginx"), Path("/usr/local/sbin/nginx"), Path("/usr/local/bin/nginx"))


def find_postgres() -> Path | None:
    """The folder with `initdb` and `postgres`: the newest of Debian's, else the one on PATH."""
    folders = sorted(DEBIAN_POSTGRES.glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def find_redis() -> Path | None:
    """The `redis-server` program."""
    return _on_path("redis-server")


def find_chromium() -> Path | None:
    """A Chromium, under any of the names that distributions give it."""
    return next((path for name in CHROMIUM_NAMES if (path := _on_path(name))), None)


def find_nginx() -> Path | None:
    """The `nginx` program."""
    return _on_path("nginx") or next((path for path in NGINX_PLACES if path.exists()), None)


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None
