"""The stories, played as people would live them: on the demo of one machine, and on two nodes behind nginx."""

import json
import signal
import stat
import time
from contextlib import ExitStack
from pathlib import Path

import httpx2

from foundation.entropy import SystemEntropy
from gateway.cli.exit_codes import ExitCode
from gateway.demo.environment import demo_environment, new_keys, write_environment
from gateway.demo.places import NEIGHBOURS, Places
from gateway.demo.supervisor import check_ports
from gateway.demo.world import adapters_at
from gateway.settings import ENV_FILE
from loadtests.servers import free_port, run_nginx
from tests.stories.processes import (
    await_answer,
    clean_environment,
    free_base_port,
    run_renzheng,
    running_renzheng,
)

STEPS = {"main": 23, "provider": 21}
POINTS = {"main": 8, "provider": 9}


def _play(world: Path, story: str = "main") -> None:
    """Play a story; a failure shows every step."""
    played = run_renzheng("story", story, "--json", "--world", str(world), environment=clean_environment())
    lines = played.stdout.splitlines()
    assert played.returncode == 0, f"{played.stdout}\n{played.stderr}"
    assert lines[-1] == f"{STEPS[story]} passed, 0 failed"
    steps = [json.loads(line) for line in lines[:-1]]
    assert sorted({step["point"] for step in steps}) == list(range(1, POINTS[story] + 1))
    assert all(step["passed"] and step["observed"] for step in steps)


def test_demo_of_one_machine_lives_through_the_main_story(tmp_path: Path) -> None:
    """The demo comes up, plays the story twice, refuses a second start, ends on order and keeps its data."""
    base, folder = free_base_port(), tmp_path / ".demo"
    arguments = ("demo", "--base-port", str(base), "--directory", str(folder))
    environment, places = clean_environment(), Places.at(base)
    with running_renzheng(*arguments, environment=environment, log=tmp_path / "demo.log") as demo:
        await_answer(f"{places.issuer}/readyz", demo, tmp_path / "demo.log")
        for name in NEIGHBOURS:
            await_answer(f"{places.url_of(name)}/_health", demo, tmp_path / "demo.log")
        world = folder / "world.json"
        assert stat.S_IMODE((folder / "renzheng.env").stat().st_mode) == 0o600
        content = json.loads(world.read_text())
        assert {"issuer", "urls", "people", "clients", "departments", "cases", "licenses"} <= set(content)
        assert len({entry["type"] for entry in content["licenses"]}) >= 8
        _play(world)
        # Everybody is known by now: the story has to be playable again on the same data.
        _play(world)
        _play(world, "provider")
        second = run_renzheng(*arguments, environment=environment)
        assert second.returncode == ExitCode.IN_THE_WAY
        assert str(demo.pid) in second.stderr
        elsewhere = run_renzheng(*arguments[:3], "--directory", str(tmp_path / "other"), environment=environment)
        assert elsewhere.returncode == ExitCode.IN_THE_WAY
        assert str(base) in elsewhere.stderr
        ended = run_renzheng("demo", "--stop", "--directory", str(folder), environment=environment)
        assert ended.returncode == 0
        assert demo.wait(5) == 0
    check_ports(places.ports())
    with running_renzheng(*arguments, environment=environment, log=tmp_path / "again.log") as again:
        await_answer(f"{places.issuer}/readyz", again, tmp_path / "again.log")
        size = int(httpx2.get(content["urls"]["checkpoint"], trust_env=False).text.splitlines()[1])
        assert size > STEPS["main"], "the ledger did not survive the restart"
        again.send_signal(signal.SIGINT)
        assert again.wait(15) == 0
    check_ports(places.ports())


def test_two_nodes_behind_nginx_live_through_the_main_story(
    tmp_path: Path, postgres_url: str, redis_url: str, nginx_path: Path
) -> None:
    """PostgreSQL, Redis and two separate nodes: what one node did the other one knows."""
    assert nginx_path.exists()
    base, ports = free_base_port(), (free_port(), free_port())
    environment_file, world = tmp_path / "renzheng.env", tmp_path / "world.json"
    with ExitStack() as stack:
        nginx = stack.enter_context(run_nginx(ports))
        places = Places.at(base, issuer=nginx.url)
        variables = demo_environment(
            new_keys(SystemEntropy()),
            places=places,
            adapters=adapters_at(places),
            database_url=postgres_url,
            redis_url=redis_url,
            trusted_proxies=("127.0.0.1",),
        )
        write_environment(environment_file, variables)
        environment = clean_environment(**{ENV_FILE: str(environment_file)})
        migrated = run_renzheng("migrate", environment=environment)
        assert migrated.returncode == 0, migrated.stderr
        seeded = run_renzheng("seed", "--base-port", str(base), "--world", str(world), environment=environment)
        assert seeded.returncode == 0, seeded.stderr
        servers: list[tuple[tuple[str, ...], str]] = [
            (
                ("simulate", "all", "--base-port", str(base), "--issuer", nginx.url),
                f"{places.url_of('sms')}/_health",
            ),
            *((("serve", "--port", str(port)), f"http://127.0.0.1:{port}/readyz") for port in ports),
        ]
        for number, (command, ready) in enumerate(servers):
            log = tmp_path / f"{number}.log"
            process = stack.enter_context(running_renzheng(*command, environment=environment, log=log))
            await_answer(ready, process, log)
        _play(world)
        _play(world, "provider")
        served = [_requests_served(port, places.issuer) for port in ports]
        assert min(served) > 0, f"one node did all the work: {served}"
        doctor = run_renzheng("doctor", "--json", environment=environment)
        findings = json.loads(doctor.stdout)["findings"]
        assert doctor.returncode == 0, [finding for finding in findings if finding["state"] == "fault"]


def _requests_served(port: int, issuer: str) -> float:
    """How many requests a node has answered, from its metrics."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        answer = httpx2.get(
            f"http://127.0.0.1:{port}/metrics", headers={"Host": issuer.partition("//")[2]}, trust_env=False
        )
        if answer.status_code == 200:
            lines = [line for line in answer.text.splitlines() if line.startswith("renzheng_requests_total{")]
            told = [line for line in lines if "/readyz" not in line and "/metrics" not in line]
            return sum(float(line.rsplit(" ", 1)[1]) for line in told)
        time.sleep(0.2)
    raise AssertionError("the node shows no metrics")
