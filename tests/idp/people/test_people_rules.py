"""The pure rules about people: levels, arrivals, subjects, login names, `acr`."""

from datetime import date, timedelta

import pytest

from idp.people.accounts import Account
from idp.people.arrivals import Enter, KnownPerson, Link, MakeAccount, TurnAway, decide_arrival, is_usable_subject
from idp.people.errors import IDENTITY_CONFLICT, LEVEL_TOO_LOW_TO_LINK
from idp.people.levels import IN_PERSON, NAME_AND_NUMBER, PHONE, UPPER_CENTER, Evidence, level_from_evidence
from idp.people.user_names import canonical_user_name, parse_login_name
from idp.vocabulary import ALL_ACR_VALUES, RealNameLevel, SignInStrength, acr_of, is_at_least, parse_acr
from tests.idp.stage import LI, START

NONE, BASIC, MEDIUM, HIGH = RealNameLevel
NAME = Evidence(NAME_AND_NUMBER, "register", "", BASIC, START)
SMS = Evidence(PHONE, "sms", "", NONE, START)
OLD_CENTER = Evidence(UPPER_CENTER, "province", "", HIGH, START, START + timedelta(days=1))
SEEN = Evidence(IN_PERSON, "counter", "", HIGH, START)


@pytest.mark.parametrize(
    ("sentence", "evidence", "level"),
    [
        ("nothing proves nothing", (), NONE),
        ("a phone alone proves nobody", (SMS,), NONE),
        ("name and number are basic", (NAME,), BASIC),
        ("with a phone they are medium", (NAME, SMS), MEDIUM),
        ("a document seen in person is high", (SEEN,), HIGH),
        ("a center's word is worth its level", (OLD_CENTER,), HIGH),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_levels_from_evidence(sentence: str, evidence: tuple[Evidence, ...], level: RealNameLevel) -> None:
    """初级, 中级 and 高级 as the design defines them."""
    assert level_from_evidence(evidence, now=START) is level, sentence


def test_evidence_ages() -> None:
    """Expired evidence counts no longer."""
    assert level_from_evidence((OLD_CENTER, NAME), now=START + timedelta(days=1)) is BASIC


def _known(person: str, name: str | None = "张知明", status: str | None = "open") -> KnownPerson:
    account = Account(f"a-{person}", person, status, None, None, None, None) if status else None
    return KnownPerson(person, name, account)


ZHANG_KNOWN, OTHER = _known("zhang"), _known("other", "李晓禾")


@pytest.mark.parametrize(
    ("sentence", "linked", "same_number", "level", "expected"),
    [
        ("a linked subject with its number enters", ZHANG_KNOWN, ZHANG_KNOWN, BASIC, Enter),
        ("a linked subject with a foreign number conflicts", ZHANG_KNOWN, OTHER, HIGH, IDENTITY_CONFLICT),
        ("a linked subject with a new number conflicts", ZHANG_KNOWN, None, HIGH, IDENTITY_CONFLICT),
        ("a new subject with a known number links", None, ZHANG_KNOWN, MEDIUM, Link),
        ("but not below the linking level", None, ZHANG_KNOWN, BASIC, LEVEL_TOO_LOW_TO_LINK),
        ("nor with another name", None, OTHER, HIGH, IDENTITY_CONFLICT),
        ("a closed account is opened anew", None, _known("zhang", None, "closed"), BASIC, MakeAccount),
        ("a person without account gets one", None, _known("zhang", "张知明", None), BASIC, MakeAccount),
        ("nobody known makes an account", None, None, BASIC, MakeAccount),
        ("nobody verified makes none", None, None, NONE, LEVEL_TOO_LOW_TO_LINK),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_arrivals(
    sentence: str, linked: KnownPerson | None, same_number: KnownPerson | None, level: RealNameLevel, expected: object
) -> None:
    """The whole decision over who arrives from an upper center."""
    decision = decide_arrival(linked=linked, same_number=same_number, name="张知明", level=level, link_level=MEDIUM)
    if isinstance(decision, TurnAway):
        assert decision.reason is expected, sentence
    else:
        assert type(decision) is expected, sentence


@pytest.mark.parametrize("subject", ["u-1001", "张三", "A b", "a" * 255, "1", "00", "nullable"])
def test_usable_subjects(subject: str) -> None:
    """Exact texts of any script."""
    assert is_usable_subject(subject)


@pytest.mark.parametrize(
    "subject", ["", " ", "null", "NULL", "None", "undefined", "0", "a\n", "\ta", "a\u200b", "a" * 256, None, 0, [], {}]
)
def test_unusable_subjects(subject: object) -> None:
    """Nothing that a broken center sends for nobody names somebody (B12)."""
    assert not is_usable_subject(subject)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("LiXiaohe", "lixiaohe"),
        ("ｌｉｘｉａｏｈｅ", "lixiaohe"),
        (" 李晓禾_01 ", "李晓禾_01"),
        ("abc", None),
        ("13800000002", None),
        ("аdmin", None),
        ("ad\u200bmin", None),
        ("admin\u202e", None),
        ("a" * 33, None),
        ("two words", None),
    ],
)
def test_user_names_have_one_spelling_and_no_look_alikes(text: str, canonical: str | None) -> None:
    """Letters of other scripts are refused, so look-alikes cannot exist (I04)."""
    assert canonical_user_name(text) == canonical


@pytest.mark.parametrize(
    ("text", "kind", "canonical"),
    [
        ("+86 138-0000-0002", "phone", "13800000002"),
        (f" {LI} ", "document", LI),
        ("Li-Xiaohe", "user_name", "li-xiaohe"),
        ("who?", "unknown", "who?"),
    ],
)
def test_login_names(text: str, kind: str, canonical: str) -> None:
    """One field takes phone, document number and user name."""
    login = parse_login_name(text, today=date(2026, 5, 18))
    assert (login.kind, login.canonical) == (kind, canonical)


def test_acr_values_carry_level_and_strength() -> None:
    """Both dimensions must be reached."""
    assert acr_of(MEDIUM, SignInStrength.ONE_FACTOR) == "urn:renzheng:acr:l2:f1"
    assert [parse_acr(acr) is not None for acr in ALL_ACR_VALUES] == [True] * 8
    assert is_at_least("urn:renzheng:acr:l3:f2", "urn:renzheng:acr:l2:f1")
    assert not is_at_least("urn:renzheng:acr:l3:f1", "urn:renzheng:acr:l2:f2")
    assert not is_at_least("urn:renzheng:acr:l1:f2", "urn:renzheng:acr:l2:f1")
    for odd in ("", "urn:renzheng:acr:l4:f1", "urn:renzheng:acr:l２:f1", "urn:renzheng:acr:l2:f1 "):
        assert parse_acr(odd) is None
        assert not is_at_least(odd, "urn:renzheng:acr:l0:f1")
