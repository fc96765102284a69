"""Which new passwords are accepted: length, a list of common ones, and nothing personal (NIST SP 800-63B-4 §3.1.1.2).

There are no composition rules: they make passwords worse. The list lies beside this file, one lower-case password a line.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from foundation.problems import ErrorCode
from idp.people.errors import PASSWORD_COMMON, PASSWORD_LENGTH, PASSWORD_PERSONAL
from idp.signin.limits import SignInLimits

_SHORTEST_WORD = 4
_ROWS = (
    "0123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
)


def judge_password(password: str, limits: SignInLimits, *, personal_words: Iterable[str]) -> ErrorCode | None:
    """Return why a new password is refused, or None; `personal_words` are its owner's user name, numbers, birthday and the like."""
    text = unicodedata.normalize("NFC", password)
    if not limits.password_shortest <= len(text) <= limits.password_longest or not _is_encodable(text):
        return PASSWORD_LENGTH
    folded = unicodedata.normalize("NFKC", text).casefold()
    if folded in blocked_passwords() or _is_monotonous(folded):
        return PASSWORD_COMMON
    words = (word.casefold() for word in personal_words)
    if any(len(word) >= _SHORTEST_WORD and word in folded for word in words):
        return PASSWORD_PERSONAL
    return None


def personal_words_of(
    *, user_name: str | None = None, phone: str | None = None, document_number: str | None = None
) -> tuple[str, ...]:
    """Return the words of a person that a password must not contain."""
    words = ["renzheng", "认证平台"]
    if user_name:
        words.append(user_name)
    if phone:
        words += [phone, phone[-8:]]
    if document_number:
        words += [document_number, document_number[-6:], document_number[-8:]]
        if len(document_number) == 18:
            # YYYYMMDD and YYMMDD inside a 公民身份号码, GB 11643.
            words += [document_number[6:14], document_number[8:14]]
    return tuple(words)


@cache
def blocked_passwords() -> frozenset[str]:
    """Read the list of common passwords once."""
    lines = files("idp.signin").joinpath("blocked_passwords.txt").read_text("utf-8").splitlines()
    return frozenset(line.casefold() for line in lines if line and not line.startswith("# "))


def _is_monotonous(text: str) -> bool:
    """One character, or a short piece, repeated; or a run along the alphabet, the digits or a keyboard row."""
    for size in (1, 2, 3, 4):
        if text == (text[:size] * (len(text) // size + 1))[: len(text)]:
            return True
    return any(text in run * 3 or text in run[::-1] * 3 for run in _ROWS)


def _is_encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
