"""Which passwords are accepted, and that they are hashed whole."""

import pytest

from foundation.entropy import SystemEntropy
from idp.signin.limits import SignInLimits
from idp.signin.password_policy import blocked_passwords, judge_password, personal_words_of
from idp.signin.passwords import PasswordHasher
from tests.idp.stage import CHEAP_HASHING, ZHANG

LIMITS = SignInLimits()
WORDS = personal_words_of(user_name="zhangzhiming", phone="13800000001", document_number=ZHANG)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        " leading and trailing ",
        "".join(f"word{number} " for number in range(120)),
        "长风破浪会有时直挂云帆",
        "nul\x00inside-it",
        "𠮷野家の牛丼は美味しい",
        "tab\tand\nnewline",
        "p" * 72 + "q",
    ],
)
def test_long_unusual_passwords_are_accepted(password: str) -> None:
    """Any character and many of them; no composition rules (A26)."""
    assert judge_password(password, LIMITS, personal_words=WORDS) is None


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short12", "23011"),
        ("x" * 1025, "23011"),
        ("lone\ud800surrogate", "23011"),
        ("password", "23012"),
        ("PassWord1", "23012"),
        ("ｐａｓｓｗｏｒｄ１", "23012"),
        ("88888888", "23012"),
        ("abababababab", "23012"),
        ("23456789", "23012"),
        ("qwertyuiop", "23012"),
        ("woaini1314", "23012"),
        ("ZhangZhiMing!9x", "23013"),
        ("my13800000001z", "23013"),
        (f"{ZHANG[6:14]}-secret", "23013"),
        (f"x!{ZHANG[-6:]}!yz", "23013"),
        ("Renzheng-2026!", "23013"),
    ],
)
def test_poor_passwords_are_refused_with_their_reason(password: str, code: str) -> None:
    """Length, the list of common ones, and personal words, each with its own code."""
    fault = judge_password(password, LIMITS, personal_words=WORDS)
    assert fault is not None
    assert fault.code == code


def test_the_list_of_common_passwords_holds_only_what_it_can_decide() -> None:
    """Shorter ones are refused by length, so they would be dead weight."""
    assert len(blocked_passwords()) > 500
    assert all(len(password) >= LIMITS.password_shortest for password in blocked_passwords())


@pytest.mark.anyio
async def test_passwords_are_hashed_whole_and_composed() -> None:
    """No truncation, NUL is a character, and é typed either way is one password."""
    hasher = PasswordHasher(SignInLimits(**CHEAP_HASHING), entropy=SystemEntropy())
    async with hasher.turn() as turn:
        for password, near in (
            ("p" * 72 + "q", "p" * 72 + "r"),
            ("nul\x00inside", "nul\x00inSide"),
            (" a b c d", "a b c d"),
        ):
            stored = await turn.hash(password)
            assert await turn.verify(password, stored)
            assert not await turn.verify(near, stored)
        accented = await turn.hash("caf\u00e9-caf\u00e9")
        assert await turn.verify("cafe\u0301-cafe\u0301", accented)
        assert not await turn.verify("x" * 2_000_000, accented)
        first, second = await turn.hash("same password"), await turn.hash("same password")
        assert first != second
    hasher.close()


def test_the_hash_says_argon2id_with_the_parameters_of_the_policy() -> None:
    """OWASP: Argon2id with 19 MiB, two passes, one lane."""
    hasher = PasswordHasher(LIMITS, entropy=SystemEntropy())
    assert not hasher.needs_rehash("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA")
    assert hasher.needs_rehash("$argon2id$v=19$m=4096,t=3,p=1$c2FsdHNhbHQ$aGFzaA")
    hasher.close()
