"""Reading the JSON objects that outside systems send, by the strict rules of `foundation.strict_json`."""

from collections.abc import Mapping
from typing import Any

from foundation.strict_json import MalformedJson, parse_strict_json


def parse_json_object(body: bytes) -> Mapping[str, Any]:
    """Return the members of a strict JSON object; raises MalformedJson. Whoever read the octets has
    bounded their size.
    """
    value = parse_strict_json(body)
    if not isinstance(value, dict):
        raise MalformedJson("not a JSON object")
    return value
