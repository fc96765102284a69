"""Reading the members of one JSON body, collecting everything that is wrong with it.

Every getter returns what it found, or None after noting what is wrong and where.
"""

from collections.abc import Callable
from typing import Any

from certs_catalog.catalog import FIELD_NAME
from certs_catalog.errors import MemberProblem

_TEXTS = {
    "missing": ("缺少此成员。", "This member is missing."),
    "unknown": ("不认识此成员。", "This member is not known."),
    "type": ("此成员的类型不对。", "This member has the wrong type."),
    "form": ("此成员的取值不符合要求。", "This member's value does not have the required form."),
    "choice": ("请只选择一种查询方式。", "Choose exactly one way of asking."),
    "conflict": ("此成员与其他成员不能同时使用。", "This member contradicts another one."),
    "repeated": ("此成员中有重复的值。", "This member holds a value twice."),
}


class MemberReader:
    """Collects the problems of one body; every getter returns None after noting why."""

    def __init__(self) -> None:
        self.problems: list[MemberProblem] = []

    def note(self, pointer: str, code: str) -> None:
        self.problems.append(MemberProblem(pointer, code, *_TEXTS[code]))

    def members(self, value: Any, pointer: str, allowed: frozenset[str]) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            self.note(pointer, "type" if value is not None else "missing")
            return None
        for name in value:
            if name not in allowed:
                # A name that is none is not repeated: it may be a number that was typed into the wrong place.
                self.note(f"{pointer}/{name}" if FIELD_NAME.fullmatch(name) else pointer or "/", "unknown")
        return value

    def text(self, value: Any, pointer: str, fits: Callable[[str], bool], *, required: bool = True) -> str | None:
        if value is None:
            if required:
                self.note(pointer, "missing")
            return None
        if not isinstance(value, str):
            self.note(pointer, "type")
            return None
        if not fits(value):
            self.note(pointer, "form")
            return None
        return value

    def words(self, value: Any, pointer: str, fits: Callable[[str], bool], most: int) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            self.note(pointer, "type")
            return ()
        if not 1 <= len(value) <= most:
            self.note(pointer, "form")
            return ()
        found = [self.text(entry, f"{pointer}/{index}", fits) for index, entry in enumerate(value)]
        words = tuple(word for word in found if word is not None)
        if len(set(words)) != len(words):
            self.note(pointer, "repeated")
        return words
