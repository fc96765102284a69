"""As much of JSON Schema as the schemas among the test vectors use; a keyword it does not know is an error, never passed over."""

import re
from collections.abc import Iterator
from typing import Any

_KNOWN = frozenset(
    {
        "$defs",
        "$ref",
        "additionalProperties",
        "enum",
        "items",
        "minItems",
        "minProperties",
        "oneOf",
        "pattern",
        "properties",
        "required",
        "type",
    }
)
_TYPES: dict[str, type] = {"object": dict, "array": list, "string": str}


def faults(value: Any, schema: dict[str, Any], *, root: dict[str, Any] | None = None, at: str = "$") -> list[str]:
    """Return where the value breaks the schema, as places with the rule."""
    return list(_faults(value, schema, root or schema, at))


def _faults(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str) -> Iterator[str]:
    assert schema.keys() <= _KNOWN, schema.keys() - _KNOWN
    if "$ref" in schema:
        yield from _faults(value, root["$defs"][schema["$ref"]], root, at)
        return
    if "oneOf" in schema and sum(not faults(value, one, root=root) for one in schema["oneOf"]) != 1:
        yield f"{at} is not exactly one of {len(schema['oneOf'])} forms"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at} is none of {schema['enum']}"
    if "type" in schema and not isinstance(value, _TYPES[schema["type"]]):
        yield f"{at} is no {schema['type']}"
        return
    if "pattern" in schema and not re.search(schema["pattern"], value, re.ASCII):
        yield f"{at} does not match {schema['pattern']}"
    if len(value) < schema.get("minItems", schema.get("minProperties", 0)):
        yield f"{at} has too few"
    if isinstance(value, dict):
        yield from _object_faults(value, schema, root, at)
    if isinstance(value, list) and "items" in schema:
        for number, entry in enumerate(value):
            yield from _faults(entry, schema["items"], root, f"{at}[{number}]")


def _object_faults(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], at: str) -> Iterator[str]:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}.{name} is missing"
    for name, member in value.items():
        if name in known:
            yield from _faults(member, known[name], root, f"{at}.{name}")
        elif schema.get("additionalProperties", True) is False:
            yield f"{at}.{name} is not known"
