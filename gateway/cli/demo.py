"""`renzheng demo`: the whole product on this machine, with simulators, sample apps and synthetic people."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.console import progress, say, stop, warn
from gateway.cli.exit_codes import ExitCode
from gateway.demo.places import BASE_PORT, HIGHEST_BASE_PORT


def demo(
    base_port: Annotated[
        int,
        typer.Option(min=1024, max=HIGHEST_BASE_PORT, help="Port of the product; apps +1 +2, simulators +10 to +14."),
    ] = BASE_PORT,
    directory: Annotated[Path, typer.Option(help="Where the demo keeps its database, keys and logs.")] = Path(".demo"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the former demo and start over.")] = False,
    end: Annotated[bool, typer.Option("--stop", help="End the running demo.")] = False,
) -> None:
    """Bring up the whole product with simulators and sample apps, and stay until Ctrl-C.

    Examples:

      renzheng demo

      renzheng demo --fresh --base-port 9000

      renzheng demo --stop              from another terminal

    What people did stays in the folder and is there again after a restart.
    """
    from gateway.demo.running import DemoFailed, run_demo, stop_demo
    from gateway.demo.state import DemoFolder, DemoRunning
    from gateway.demo.supervisor import PortTaken

    folder = DemoFolder(directory.absolute())
    if end:
        try:
            ended = stop_demo(folder)
        except DemoFailed as failure:
            stop(f"演示没有停止 · the demo does not end: {failure}", ExitCode.UNAVAILABLE)
        say("演示已停止 · the demo has ended" if ended else "没有正在运行的演示 · no demo is running")
        return
    try:
        run_demo(folder, base_port=base_port, fresh=fresh, tell=say, progress=progress)
    except DemoRunning as running:
        stop(
            f"演示已在运行（进程 {running.pid}） · a demo is running already (process {running.pid})",
            ExitCode.IN_THE_WAY,
            remedy="make demo-stop，或直接使用它 · make demo-stop, or use the one that runs",
        )
    except PortTaken as taken:
        stop(
            f"端口 {taken.port} 被占用（{taken.name}） · port {taken.port} is taken ({taken.name})",
            ExitCode.IN_THE_WAY,
            remedy=f"ss -ltnp 'sport = :{taken.port}' 可查占用者；或换一组端口 · "
            "shows who has it; or use other ports: renzheng demo --base-port 9000",
        )
    except DemoFailed as failure:
        warn(str(failure))
        stop("演示未能启动 · the demo did not start", ExitCode.NOT_SOUND, remedy=f"logs: {folder.path}/*.log")
