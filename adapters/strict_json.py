"""Reading JSON that an outside system sent, without the liberties of the standard parser.

Refused: octets that are not UTF-8, duplicate member names, NaN and Infinity, numbers beyond the exact range
of a double, nesting deeper than 32 and more than 20 000 values. Two parsers that read one document
differently are how a check is passed by (RFC 8259 §4, §6).
"""

import json
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 32
_MAX_VALUES = 20_000
_EXACT = 2**53 - 1


class MalformedJson(ValueError):
    """The octets are not one strict JSON document; the message says what is wrong and repeats nothing of the
    content.
    """


def parse_json(body: bytes) -> Any:
    """Return the value of a strict JSON document, or raise MalformedJson. The size is bounded by whoever read
    the octets.
    """
    try:
        value = json.loads(
            body.decode("utf-8", "strict"),
            object_pairs_hook=_object_without_duplicates,
            parse_constant=_refuse_constant,
            parse_int=_exact_integer,
            parse_float=_finite_float,
        )
    except UnicodeDecodeError as error:
        raise MalformedJson("not UTF-8") from error
    except json.JSONDecodeError as error:
        raise MalformedJson(f"not JSON: {error.msg} at {error.pos}") from error
    except RecursionError as error:
        raise MalformedJson("nested too deeply") from error
    _check_shape(value)
    return value


def parse_json_object(body: bytes) -> Mapping[str, Any]:
    """As `parse_json`, and the document must be an object."""
    value = parse_json(body)
    if not isinstance(value, dict):
        raise MalformedJson("not a JSON object")
    return value


def _check_shape(document: Any) -> None:
    """Refuse a document that nests deeper than MAX_DEPTH or holds more than the allowed number of values."""
    seen = 0
    level = [document]
    for depth in range(MAX_DEPTH + 2):
        seen += len(level)
        if seen > _MAX_VALUES:
            raise MalformedJson("too many values")
        if depth > MAX_DEPTH and level:
            raise MalformedJson("nested too deeply")
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
        level = inner


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson("duplicate member name")
    return members


def _refuse_constant(name: str) -> Any:
    raise MalformedJson(f"{name} is not a JSON number")


def _exact_integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > _EXACT:
        raise MalformedJson("an integer beyond the exact range of a double")
    return int(text)


def _finite_float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise MalformedJson("a number beyond the range of a double")
    return number
