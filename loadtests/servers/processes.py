"""One child process that serves on loopback: started unprivileged, awaited, stopped, and never left behind.

A server is started in a session of its own, so that Ctrl-C reaches the test run alone and the run stops the
server in order. Where `setpriv` exists (Linux), the kernel also ends the server when the starting thread
ends, which covers a run that was killed. Start servers from a thread that outlives them, as the main thread
does.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

START_SECONDS = 20.0
STOP_SECONDS = 10.0
START_ATTEMPTS = 3
POLL_SECONDS = 0.02
LOOPBACK = "127.0.0.1"
DIRECTORY_PREFIX = "renzheng-run-"


class ServerFailed(Exception):
    """A server did not start, or its preparation failed; the text ends with the tail of its log."""


class LocalProcess:
    """A server program that can be started, stopped, killed, frozen and started again on the same files.

    `is_ready` is asked every 20 ms after the start and must not block for long; `stop_signal` is what the
    program takes as the order to end at once but cleanly.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        directory: Path,
        account: pwd.struct_passwd | None,
        stop_signal: signal.Signals,
        is_ready: Callable[[], bool],
    ) -> None:
        self.argv = list(argv)
        self.directory = directory
        self.log_path = directory / "server.log"
        self._account = account
        self._stop_signal = stop_signal
        self._is_ready = is_ready
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; ServerFailed when it is not running."""
        if self._process is None:
            raise ServerFailed(f"{self.argv[0]} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start and wait until the server answers; ServerFailed after 20 s or when it ends by itself."""
        tether = _tether(self._stop_signal)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*tether, *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                start_new_session=True,
                user=self._account.pw_uid if self._account else None,
                group=self._account.pw_gid if self._account else None,
                extra_groups=[] if self._account else None,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ServerFailed(f"{self.argv[0]} did not start:\n{self.log_tail()}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """End the server cleanly; kill it after 10 s. Without effect when it is not running."""
        if self._process is None:
            return
        self.thaw()
        self._process.send_signal(self._stop_signal)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End the server and all its workers with SIGKILL, as a crash of the machine would."""
        if self._process is None:
            return
        self._signal_family(signal.SIGKILL)
        self._process.wait(STOP_SECONDS)
        self._process = None

    def freeze(self) -> None:
        """Halt the server and its workers with their connections open: it is there but never answers."""
        self._signal_family(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self._signal_family(signal.SIGCONT)

    def _signal_family(self, number: signal.Signals) -> None:
        # PostgreSQL's workers lead sessions of their own, so the process group does not reach them.
        for pid in [self.pid, *_descendants(self.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def log_tail(self, characters: int = 2000) -> str:
        """The end of what the server printed."""
        return self.log_path.read_text(errors="replace")[-characters:] if self.log_path.exists() else ""


def run_to_end(argv: Sequence[str], *, directory: Path, account: pwd.struct_passwd | None) -> None:
    """Run a preparing program such as `initdb` in `directory`; ServerFailed with its output on failure."""
    done = subprocess.run(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=directory,
        timeout=START_SECONDS,
        check=False,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode:
        raise ServerFailed(f"{argv[0]} failed:\n{done.stdout.decode(errors='replace')[-2000:]}")


@contextmanager
def private_directory(purpose: str, account: pwd.struct_passwd | None) -> Iterator[Path]:
    """A temporary directory that `account` alone may read; removed at the end with all that is in it.

    Its name carries the process id of the caller, so that the next run removes what a killed one left.
    """
    _remove_abandoned_directories()
    path = Path(tempfile.mkdtemp(prefix=f"{DIRECTORY_PREFIX}{os.getpid()}-{purpose}-"))
    try:
        if account is not None:
            os.chown(path, account.pw_uid, account.pw_gid)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def unprivileged_account(*preferred: str) -> pwd.struct_passwd | None:
    """The account to run a server as when the caller is root, which PostgreSQL refuses; otherwise None."""
    if os.geteuid() != 0:
        return None
    for name in (*preferred, "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerFailed("the machine has no unprivileged account to run a server as")


def free_port() -> int:
    """A loopback TCP port that was free a moment ago; another process may still take it first."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def start_on_free_port(server_on: Callable[[int], LocalProcess]) -> tuple[LocalProcess, int]:
    """Start the server that `server_on(port)` describes; try again when another took the port first."""
    for _ in range(START_ATTEMPTS - 1):
        port = free_port()
        with suppress(ServerFailed):
            process = server_on(port)
            process.start()
            return process, port
    port = free_port()
    process = server_on(port)
    process.start()
    return process, port


def accepts_connections(port: int) -> bool:
    """Whether something listens on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _remove_abandoned_directories() -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{DIRECTORY_PREFIX}*"):
        owner = path.name.removeprefix(DIRECTORY_PREFIX).partition("-")[0]
        if not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
            shutil.rmtree(path, ignore_errors=True)


def _descendants(pid: int) -> list[int]:
    """The children of a process and theirs, as Linux lists them; none on other systems."""
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return children + [grandchild for child in children for grandchild in _descendants(child)]


def _tether(stop_signal: signal.Signals) -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, f"--pdeathsig={stop_signal.name.removeprefix('SIG')}", "--"] if setpriv else []
