"""The command line as a program meets it: exit codes, texts, and how fast it answers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli.exit_codes import ExitCode
from gateway.cli.main import app

COMMANDS = (
    "serve",
    "migrate",
    "seed",
    "demo",
    "story",
    "simulate",
    "doctor",
    "ledger",
    "keys",
    "client",
    "user",
    "department",
    "grant",
    "license",
    "config",
    "reference",
)
TIMEOUT_S = 60


def renzheng(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command with nothing of this process's settings in its environment."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("RENZHENG_")}
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", *arguments],
        env={**surroundings, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def test_help_names_every_command_with_examples_and_exit_codes() -> None:
    """A person who types `renzheng` learns what there is; nothing of the product is imported for that."""
    shown = renzheng("--help")
    assert shown.returncode == 0
    assert all(name in shown.stdout for name in COMMANDS)
    assert "Examples:" in shown.stdout
    assert "Exit codes:" in shown.stdout


def test_command_tree_imports_no_product() -> None:
    """`--help` must answer at once, so the tree imports neither the database nor the web."""
    script = "import sys, gateway.cli.main; print([m for m in ('sqlalchemy', 'starlette', 'pydantic', 'httpx2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    """Each help has an example or a list of subcommands with examples."""
    shown = CliRunner().invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert "Examples:" in shown.stdout


def test_unknown_setting_ends_with_its_name_and_code(tmp_path: Path) -> None:
    """A misspelt setting is an error that names it, with the exit code of wrong settings."""
    done = renzheng("config", "check", RENZHENG_SIGNIN__OTP_LIFETIMES="3")
    assert done.returncode == ExitCode.CONFIGURATION
    assert "RENZHENG_SIGNIN__OTP_LIFETIMES" in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_value_is_named_but_not_repeated() -> None:
    """A value may be a secret typed into the wrong place."""
    done = renzheng("config", "check", RENZHENG_PORT="hunter2-is-no-port")
    assert done.returncode == ExitCode.CONFIGURATION
    assert "port" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_several_workers_on_one_file_are_refused(tmp_path: Path) -> None:
    """Several processes need stores that all of them see."""
    done = renzheng("serve", "--workers", "2", RENZHENG_DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/x.db")
    assert done.returncode == ExitCode.CONFIGURATION
    assert "PostgreSQL" in done.stderr


def test_table_of_settings_withholds_no_name_and_shows_no_secret() -> None:
    """The table is the documentation of every setting."""
    shown = renzheng("config", "table")
    assert shown.returncode == 0
    lines = [line for line in shown.stdout.splitlines() if line.startswith("| `RENZHENG_")]
    assert len(lines) > 40
    assert all(line.rstrip(" |").rsplit("|", 1)[-1].strip() for line in lines), "a setting without a description"


def test_story_without_a_world_says_how_to_get_one(tmp_path: Path) -> None:
    """The remedy is part of the error."""
    done = renzheng("story", "main", "--world", str(tmp_path / "world.json"))
    assert done.returncode == ExitCode.NOT_FOUND
    assert "make demo" in done.stderr


def test_stopping_no_demo_is_no_error(tmp_path: Path) -> None:
    """`make demo-stop` may be typed twice."""
    done = renzheng("demo", "--stop", "--directory", str(tmp_path / ".demo"))
    assert done.returncode == 0


def test_unreachable_database_is_told_as_such() -> None:
    """The command says what did not answer and ends with the code of an unavailable system."""
    done = renzheng(
        "ledger", "verify", "--closed", RENZHENG_DATABASE_URL="postgresql+asyncpg://nobody@127.0.0.1:9/none"
    )
    assert done.returncode == ExitCode.UNAVAILABLE
    assert "Traceback" not in done.stderr


def test_json_is_one_object_on_standard_output(tmp_path: Path) -> None:
    """Programs read standard output alone."""
    done = renzheng("config", "show", "--json")
    if done.returncode == ExitCode.CONFIGURATION:
        # Without keys the settings are not usable, and nothing is printed for a program to misread.
        assert done.stdout == ""
    else:
        assert isinstance(json.loads(done.stdout), dict)
