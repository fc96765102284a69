"""The lookup body, strictly: cases I02, I13–I17 and E16 on the body, with positive controls beside them."""

import json
import time
from typing import Any

import pytest

from certs_catalog.errors import InvalidLookup
from certs_catalog.limits import LookupLimits
from certs_catalog.lookup.parse import parse_lookup
from certs_catalog.lookup.request import ByHolder, ByNumber
from certs_catalog.statuses import beijing_date
from certs_catalog.vocabulary import Grade
from tests.certs_catalog.world import NOW, TITLE, ZHANG, body, document

LIMITS = LookupLimits()
TODAY = beijing_date(NOW)
IDENTIFIER = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U"


def findings(octets: bytes) -> tuple[str, set[tuple[str, str]]]:
    """The reason code and the (pointer, code) pairs of a refused body."""
    with pytest.raises(InvalidLookup) as refused:
        parse_lookup(octets, limits=LIMITS, today=TODAY)
    return refused.value.code, {(entry.pointer, entry.code) for entry in refused.value.errors}


UNREADABLE = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"{", id="a torn document"),
    pytest.param(b'{"grade":"masked","grade":"full"}', id="a grade given twice"),
    pytest.param(b'{"purpose":{"case":"A","case":"B"}}', id="a case given twice, deep inside"),
    pytest.param(b'{"max_age":NaN}', id="not a number"),
    pytest.param(b'{"max_age":1e400}', id="a number beyond a double"),
    pytest.param(b'{"max_age":01}', id="a leading zero"),
    pytest.param(b'{"max_age":0x10}', id="hexadecimal"),
    pytest.param(body().decode().encode("utf-16"), id="UTF-16"),
    pytest.param(b"\xef\xbb\xbf" + body(), id="a byte order mark"),
    pytest.param(b'{"note":"\xff\xfe"}', id="octets that are not UTF-8"),
    pytest.param(b'{"note":"\\ud800"}', id="a lone surrogate"),
    pytest.param(b"[" * 33 + b"]" * 33, id="nesting of 33"),
    pytest.param(b"[" * 30_000, id="nesting without end"),
]


@pytest.mark.parametrize("octets", UNREADABLE)
def test_what_is_not_one_json_document_is_unreadable(octets: bytes) -> None:
    """I02, I16, I17: refused as a whole, quickly, and nothing of it is repeated."""
    begun = time.perf_counter()
    assert findings(octets)[0] == "42101"
    assert time.perf_counter() - begun < 0.1


def test_a_body_beyond_the_limit_is_refused_before_it_is_read() -> None:
    """I01: 64 KiB by default."""
    assert findings(b" " * 65_537)[0] == "42104"


WRONG = [
    pytest.param({"grade": 3}, ("/grade", "type"), id="the grade as a number"),
    pytest.param({"grade": "FULL"}, ("/grade", "form"), id="the grade in capitals"),
    pytest.param({"grade": None}, ("/grade", "missing"), id="no grade"),
    pytest.param({"max_age": "0"}, ("/max_age", "type"), id="a number as text"),
    pytest.param({"max_age": 1.5}, ("/max_age", "type"), id="a fraction"),
    pytest.param({"max_age": 1e17}, ("/max_age", "type"), id="a float that looks whole"),
    pytest.param({"max_age": True}, ("/max_age", "type"), id="true for one"),
    pytest.param({"max_age": -1}, ("/max_age", "form"), id="a negative age"),
    pytest.param({"max_age": 2**53 + 1}, ("/max_age", "form"), id="2^53 + 1"),
    pytest.param({"by": [{"holder": {}}]}, ("/by", "type"), id="by as a list"),
    pytest.param({"by": {}}, ("/by", "choice"), id="no way of asking"),
    pytest.param(
        {"by": {"holder": {"type": "111", "code": ZHANG}, "identifier": IDENTIFIER}}, ("/by", "choice"), id="two ways"
    ),
    pytest.param(
        {"by": {"holder": {"type": 111, "code": ZHANG}}}, ("/by/holder/type", "type"), id="the code type as int"
    ),
    pytest.param(
        {"by": {"holder": {"type": "777", "code": ZHANG}}}, ("/by/holder/type", "form"), id="an unknown code type"
    ),
    pytest.param(
        {"by": {"holder": {"type": "111", "code": [ZHANG]}}}, ("/by/holder/code", "type"), id="a list of numbers"
    ),
    pytest.param(
        {"by": {"holder": {"type": "111", "code": int(ZHANG[:15])}}}, ("/by/holder/code", "type"), id="an int"
    ),
    pytest.param(
        {"by": {"holder": {"type": "111", "code": "0" + ZHANG}}}, ("/by/holder/code", "form"), id="leading zero"
    ),
    pytest.param(
        {
            "by": {
                "holder": {"type": "111", "code": ZHANG.translate({48 + digit: 0xFF10 + digit for digit in range(10)})}
            }
        },
        ("/by/holder/code", "form"),
        id="full-width digits",
    ),
    pytest.param(
        {"by": {"identifier": IDENTIFIER[:-1] + "A"}}, ("/by/identifier", "form"), id="a wrong check character"
    ),
    pytest.param({"by": {"type": TITLE, "number": "A\u202eB"}}, ("/by/number", "form"), id="a direction override"),
    pytest.param({"license_types": TITLE}, ("/license_types", "type"), id="types as text"),
    pytest.param({"license_types": []}, ("/license_types", "form"), id="no type"),
    pytest.param({"license_types": [TITLE, TITLE]}, ("/license_types", "repeated"), id="a type twice"),
    pytest.param({"license_types": None}, ("/license_types", "missing"), id="types left out with a holder"),
    pytest.param({"fields": ["Holder-Name"]}, ("/fields/0", "form"), id="a field that is no name"),
    pytest.param({"fields": [f"x{ZHANG}".lower()]}, ("/fields/0", "form"), id="a field with a number in its name"),
    pytest.param({"fields": None}, ("/fields", "missing"), id="masked without fields"),
    pytest.param({"facts": {"holder_name": "张"}}, ("/facts", "conflict"), id="facts beside masked"),
    pytest.param({"purpose": None}, ("/purpose", "missing"), id="no purpose"),
    pytest.param({"purpose": {"matter": "租房 申请"}}, ("/purpose/matter", "form"), id="free text for a matter"),
    pytest.param({"purpose": {"matter": "m", "note": "长" * 201}}, ("/purpose/note", "form"), id="a note of 201"),
    pytest.param({"purpose": {"matter": "m", "note": "a\r\nb"}}, ("/purpose/note", "form"), id="a line break"),
    pytest.param({"grdae": "full"}, ("/grdae", "unknown"), id="a misspelt member"),
    pytest.param({"officer": ""}, ("/officer", "form"), id="an empty officer"),
]


@pytest.mark.parametrize(("members", "finding"), WRONG)
def test_a_wrong_member_is_pointed_at(members: dict[str, Any], finding: tuple[str, str]) -> None:
    """E16, I13: every wrong member is named by pointer and word, with code 42102."""
    code, found = findings(body(**members))
    assert code == "42102"
    assert finding in found


def test_an_unknown_member_that_looks_like_a_number_is_not_repeated() -> None:
    """No document number in an error text, even when it was sent as a member's name."""
    with pytest.raises(InvalidLookup) as refused:
        parse_lookup(body(**{ZHANG: 1}), limits=LIMITS, today=TODAY)
    assert ZHANG not in str(refused.value)
    assert all(ZHANG not in entry.pointer for entry in refused.value.errors)


def test_every_wrong_member_is_named_at_once() -> None:
    """A developer corrects a body in one go."""
    _, found = findings(json.dumps({"grade": 1, "max_age": "x", "extra": 0}).encode())
    assert {pointer for pointer, _ in found} == {"/grade", "/max_age", "/extra", "/by", "/purpose"}


ACCEPTED = [
    pytest.param({}, id="the ordinary question"),
    pytest.param({"by": {"identifier": IDENTIFIER}, "license_types": None}, id="an identifier"),
    pytest.param({"by": {"type": TITLE, "number": "鲁(2025)第1号"}, "license_types": [TITLE]}, id="type and number"),
    pytest.param({"by": {"share_code": "x", "second_factor": "y"}, "license_types": None}, id="a share code"),
    pytest.param({"grade": "verify", "fields": None, "facts": {"holder_name": "𠮷·阿"}}, id="a rare name as a fact"),
    pytest.param({"max_age": 0, "officer": "A0107"}, id="an age of nought and an officer"),
    pytest.param({"purpose": {"matter": "m", "note": "核验“住房”状况，第1次"}}, id="a note"),
]


@pytest.mark.parametrize("members", ACCEPTED)
def test_a_right_body_is_accepted(members: dict[str, Any]) -> None:
    """Positive controls."""
    parse_lookup(body(**members), limits=LIMITS, today=TODAY)


def test_the_parsed_request_says_what_the_body_said() -> None:
    """The holder's number becomes canonical; everything else stays as it was."""
    asked = parse_lookup(body(by={"holder": {"type": "111", "code": ZHANG.lower()}}), limits=LIMITS, today=TODAY)
    assert asked.by == ByHolder("111", ZHANG)
    assert (asked.grade, asked.license_types, asked.fields) == (Grade.MASKED, (TITLE,), ("holder_name", "location"))
    assert ZHANG not in repr(asked)
    by_number = parse_lookup(
        json.dumps(document(by={"type": TITLE, "number": "1"}, license_types=None)).encode(),
        limits=LIMITS,
        today=TODAY,
    )
    assert (by_number.by, by_number.license_types) == (ByNumber(TITLE, "1"), (TITLE,))
