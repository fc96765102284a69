"""JSON as RFC 8259 and RFC 7493 (I-JSON) mean it, for octets that arrive from outside.

``json.loads`` alone takes duplicate member names, NaN, 1e400, integers without end and lone surrogates; each of
these lets two parsers read two different documents out of one signature or one request, or is read and can
never be written again.
"""

import json
import math
from typing import Any, NoReturn

LARGEST_INTEGER = 2**63 - 1
"""What every parser, column and serializer behind this one holds (RFC 7493 §2.2 promises even less)."""

Json = None | bool | int | float | str | list[Any] | dict[str, Any]


class MalformedJson(ValueError):
    """The octets are not one I-JSON document within the depth; the message never repeats them."""


def parse_strict_json(document: bytes | str, *, max_depth: int = 32) -> Json:
    """Return the value, or raise MalformedJson; ``max_depth`` counts nested arrays and objects, the
    outermost being one.

    The size is the caller's to bound, since only the caller knows what is reasonable.
    """
    try:
        text = document.decode("utf-8") if isinstance(document, bytes) else document
        if text.startswith("\ufeff"):
            raise MalformedJson("byte order mark")
        _check_depth(text, max_depth)
        value: Json = _decoder.decode(text)
        # Lone surrogates can be written as escapes; they have no UTF-8 and would fail much later.
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except MalformedJson:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedJson(type(error).__name__) from None
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson("duplicate member name")
    return members


def _refuse_constant(_name: str) -> NoReturn:
    raise MalformedJson("NaN or Infinity")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise MalformedJson("number beyond a double")
    return number


def _bounded(text: str) -> int:
    if abs(number := int(text)) > LARGEST_INTEGER:
        raise MalformedJson("integer beyond 64 bits")
    return number


_decoder = json.JSONDecoder(
    object_pairs_hook=_members, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_bounded
)


def _check_depth(text: str, max_depth: int) -> None:
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            if depth > max_depth:
                raise MalformedJson("nested too deeply")
        elif character in "]}":
            depth -= 1
