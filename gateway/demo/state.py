"""The folder `.demo`: what a demo keeps between two runs, and who is running it now.

The lock is the truth about a running demo: it is held by the supervising process for as long as it lives
and released by the
kernel when it ends in whatever way, so that no stale process number is ever believed.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


class DemoRunning(Exception):
    """Another process runs a demo from this folder; `pid` is that process."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"a demo is running as process {pid}")
        self.pid = pid


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """The files of one demo."""

    path: Path

    @property
    def environment_file(self) -> Path:
        """The settings of the product with its generated keys, readable by the owner alone."""
        return self.path / "renzheng.env"

    @property
    def world_file(self) -> Path:
        """Everything a program needs to use the demo: addresses, people, clients, cases, licenses."""
        return self.path / "world.json"

    @property
    def database_file(self) -> Path:
        """The SQLite database."""
        return self.path / "renzheng.db"

    def log_of(self, process: str) -> Path:
        """Return the file that a child process writes its log to."""
        return self.path / f"{process}.log"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold this folder for one demo; raises DemoRunning at once when another process holds it."""
        self.path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        with self._lock_file.open("a+", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DemoRunning(self._holder()) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def running(self) -> int | None:
        """Return the process that runs a demo from this folder, or None."""
        if not self._lock_file.exists():
            return None
        with self._lock_file.open("a+", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return self._holder()
            return None

    def clear(self) -> None:
        """Forget everything but the lock, so that the next start makes a new world."""
        for entry in self.path.iterdir():
            if entry == self._lock_file:
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    @property
    def _lock_file(self) -> Path:
        return self.path / "running.lock"

    def _holder(self) -> int:
        written = self._lock_file.read_text(encoding="ascii").strip()
        return int(written) if written else 0


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.chmod(PRIVATE_FILE)
    draft.replace(path)


def write_world(path: Path, world: Mapping[str, Any]) -> None:
    """Write the world file; it names passwords and secrets of the demo, so only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, json.dumps(world, ensure_ascii=False, indent=2) + "\n")
