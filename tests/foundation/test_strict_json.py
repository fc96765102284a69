"""Strict JSON refuses every document two parsers could read differently."""

import pytest

from foundation.strict_json import MalformedJson, parse_strict_json


@pytest.mark.parametrize(
    "document",
    [
        b'{"grade":1,"grade":3}',
        b'{"a":{"b":1,"b":1}}',
        b"NaN",
        b"-Infinity",
        b"1e400",
        b'\xef\xbb\xbf{"a":1}',
        b'"\\ud800"',
        b'{"\\udc00":1}',
        b"\xff",
        b"",
        b"{",
        b"1" + b"0" * 5000,
        b"9223372036854775808",
        b'{"a":[-9223372036854775809]}',
        b"[" * 33 + b"]" * 33,
        b"[" * 100_000,
        b'{"a":1} x',
    ],
)
def test_ambiguous_documents_are_refused(document: bytes) -> None:
    """RFC 7493: duplicates, non-finite numbers, marks, lone surrogates, bad UTF-8 and depth all end the
    same way.
    """
    with pytest.raises(MalformedJson) as caught:
        parse_strict_json(document)
    assert "grade" not in str(caught.value)


def test_ordinary_documents_are_read() -> None:
    """Brackets inside strings are text, not depth, and escapes of whole characters are fine."""
    assert parse_strict_json(b"[9223372036854775807,-9223372036854775807,1e300]") == [2**63 - 1, 1 - 2**63, 1e300]
    text = '{"a":["' + "[" * 50 + '\\"{",1.5,true,null],"b":"\\ud83d\\ude00"}'
    assert parse_strict_json(text, max_depth=2) == {"a": ["[" * 50 + '"{', 1.5, True, None], "b": "😀"}
