"""JSON files that an operator hands to `renzheng client`: client metadata and key sets."""

from pathlib import Path
from typing import Any

from foundation.strict_json import MalformedJson, parse_strict_json
from gateway.cli.console import stop
from gateway.cli.exit_codes import ExitCode
from idp.provider.registration.document import unknown_members

LARGEST_FILE = 64 * 1024


def read_metadata_file(path: Path) -> dict[str, Any]:
    """Return the members of a metadata file; ends the command for a member that nothing would read, since it may be a slip."""
    document = _read_object(path)
    if unknown := unknown_members(document):
        stop(f"不认识的登记项 · {path} has members that mean nothing here: {', '.join(unknown)}", ExitCode.USAGE)
    return document


def read_key_set_file(path: Path) -> dict[str, Any]:
    """Return a JWK Set as it stands in the file; the registration judges it."""
    return _read_object(path)


def _read_object(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_FILE:
            stop(f"文件太大 · {path} is larger than 64 KiB", ExitCode.USAGE)
        document = parse_strict_json(path.read_bytes(), max_depth=8)
    except OSError as failure:
        stop(f"读不到文件 · {path} cannot be read: {failure.strerror}", ExitCode.NOT_FOUND)
    except MalformedJson as malformed:
        stop(f"不是 JSON 文件 · {path} is not JSON: {malformed}", ExitCode.USAGE)
    if not isinstance(document, dict):
        stop(f"文件内容应为一个对象 · {path} does not hold one JSON object", ExitCode.USAGE)
    return document
