"""The demo's folder: one demo at a time, and files that only their owner reads."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from foundation.entropy import SystemEntropy
from gateway.demo.environment import demo_environment, new_keys, read_keys, write_environment
from gateway.demo.places import Places
from gateway.demo.state import DemoFolder, DemoRunning, write_world
from gateway.demo.supervisor import PortTaken, check_ports
from gateway.demo.world import adapters_at
from gateway.settings import load_settings


def test_second_demo_of_one_folder_is_told_who_runs(tmp_path: Path) -> None:
    """The lock is held by the process, so a second one sees it whatever happened to files."""
    folder = DemoFolder(tmp_path / ".demo")
    with folder.locked():
        assert folder.running() == os.getpid()
        with pytest.raises(DemoRunning) as refused, DemoFolder(tmp_path / ".demo").locked():
            pass
        assert refused.value.pid == os.getpid()
    assert folder.running() is None


def test_killed_demo_leaves_no_lock(tmp_path: Path) -> None:
    """The kernel releases the lock of a process that was killed: nothing has to be cleaned up by hand."""
    folder = DemoFolder(tmp_path)
    script = (
        "import sys, time; from pathlib import Path; from gateway.demo.state import DemoFolder\n"
        "with DemoFolder(Path(sys.argv[1])).locked(): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert folder.running() == holder.pid
        holder.kill()
    assert folder.running() is None


def test_starting_afresh_forgets_everything_but_the_lock(tmp_path: Path) -> None:
    """`--fresh` must not take the lock away from the demo that is just starting."""
    folder = DemoFolder(tmp_path)
    with folder.locked():
        write_world(folder.world_file, {"issuer": "x"})
        folder.log_of("renzheng").write_text("old")
        folder.clear()
        assert folder.running() == os.getpid()
        assert [entry.name for entry in tmp_path.iterdir()] == ["running.lock"]


def test_settings_and_world_are_private(tmp_path: Path) -> None:
    """Keys and demo passwords are readable by their owner alone, also when the files existed before."""
    folder = DemoFolder(tmp_path)
    folder.world_file.write_text("{}")
    folder.world_file.chmod(0o644)
    write_world(folder.world_file, {"issuer": "x"})
    write_environment(folder.environment_file, {"RENZHENG_ISSUER": "http://127.0.0.1:1"})
    for file in (folder.world_file, folder.environment_file):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_settings_file_reads_back_as_written(tmp_path: Path) -> None:
    """What the demo writes is what the product reads, secrets and adapters included, and keys survive a restart."""
    file = tmp_path / "renzheng.env"
    places = Places.at(18_400)
    keys = new_keys(SystemEntropy())
    variables = demo_environment(
        keys, places=places, adapters=adapters_at(places), database_url=f"sqlite+aiosqlite:///{tmp_path}/it's.db"
    )
    write_environment(file, variables)
    settings = load_settings(file, environ={})
    assert settings.adapters == adapters_at(places)
    assert settings.database_url.endswith("/it's.db")
    assert settings.issuer == "http://127.0.0.1:18400"
    assert read_keys(file) == keys


def test_taken_port_is_named(tmp_path: Path) -> None:
    """The error names who was to listen and where, so that a person can do something about it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken) as refused:
            check_ports({"sms": port})
    assert (refused.value.name, refused.value.port) == ("sms", port)
