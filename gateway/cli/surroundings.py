"""What every command needs from its surroundings: the settings, an event loop, and errors told in one way."""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.cli.console import stop
from gateway.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from gateway.settings import Settings

Result = TypeVar("Result")

_SETTINGS_REMEDY = (
    "renzheng config table lists every setting; RENZHENG_ENV_FILE names a file of them; "
    "renzheng demo makes one in .demo/renzheng.env"
)


def read_settings(**overrides: Any) -> "Settings":
    """Read the settings or end the command, naming what is wrong and never a value."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from gateway.settings import UnknownSetting, load_settings

    try:
        return load_settings(**{name: value for name, value in overrides.items() if value is not None})
    except UnknownSetting as wrong:
        stop(f"设置有误 · the settings are wrong: {wrong}", ExitCode.CONFIGURATION, remedy=_SETTINGS_REMEDY)
    except SettingsError as wrong:
        stop(f"设置有误 · the settings are wrong: {wrong}", ExitCode.CONFIGURATION, remedy=_SETTINGS_REMEDY)
    except ValidationError as wrong:
        lines = [
            f"  {'__'.join(str(part) for part in problem['loc']) or 'settings'}: {problem['msg']}"
            for problem in wrong.errors(include_url=False, include_input=False, include_context=False)
        ]
        stop(
            "设置有误 · the settings are wrong:\n" + "\n".join(lines),
            ExitCode.CONFIGURATION,
            remedy=_SETTINGS_REMEDY,
        )


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run the command's work and turn the errors of the product into exit codes."""
    from foundation.problems import RenzhengError, ServiceUnavailable
    from foundation.sealing import SealBroken, UnusableSealingKey
    from gateway.logs import configure_logs

    # Nothing but the command's own answer may stand on standard output: programs read it.
    configure_logs("warning", "console")
    try:
        return asyncio.run(work)
    except ServiceUnavailable as failure:
        stop(f"{failure.description}\n{failure}", ExitCode.UNAVAILABLE, remedy="renzheng doctor")
    except (SealBroken, UnusableSealingKey) as failure:
        stop(f"{failure.description}\n{failure}", ExitCode.CONFIGURATION, remedy="renzheng doctor")
    except RenzhengError as failure:
        stop(f"{failure.description}\n{failure}", ExitCode.NOT_SOUND)
