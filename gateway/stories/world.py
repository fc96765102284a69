"""The demo world as a story reads it from world.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class StoryPerson:
    """Somebody in the world; what they do not have is None."""

    name: str
    document_number: str
    phone: str
    user_name: str | None
    password: str | None
    totp_secret: str | None
    work_number: str | None
    is_officer: bool
    arrives_through: str | None


@dataclass(frozen=True, slots=True)
class StoryWorld:
    """Addresses, people and cases of one running demo."""

    issuer: str
    urls: Mapping[str, str]
    people: tuple[StoryPerson, ...]
    cases: tuple[Mapping[str, Any], ...]
    invitations: Mapping[str, str]
    """Initial access tokens by policy (RFC 7591 §1.2)."""

    @property
    def arriving(self) -> StoryPerson:
        """The citizen who comes in through the upper center."""
        return next(person for person in self.people if person.arrives_through)

    @property
    def newcomer(self) -> StoryPerson:
        """The citizen who has no account yet."""
        return next(person for person in self.people if not person.password and not person.arrives_through)

    @property
    def officer(self) -> StoryPerson:
        """The officer at the counter."""
        return next(person for person in self.people if person.is_officer)

    def case_of(self, holder: StoryPerson, *, is_open: bool) -> str:
        """Return the number of the housing bureau's case of this holder, the open or the closed one."""
        return next(
            str(case["number"])
            for case in self.cases
            if case["holder_number"] == holder.document_number
            and case["open"] is is_open
            and case["matter_code"] == "gzf-apply"
        )


def read_story_world(path: Path) -> StoryWorld:
    """Read the world file; KeyError or ValueError when it is not one."""
    content = json.loads(path.read_text(encoding="utf-8"))
    people = tuple(
        StoryPerson(
            name=person["name"],
            document_number=person["document_number"],
            phone=person["phone"],
            user_name=person["user_name"],
            password=person["password"],
            totp_secret=person.get("totp_secret"),
            work_number=person.get("work_number"),
            is_officer=person["officer"],
            arrives_through=person["arrives_through"],
        )
        for person in content["people"]
    )
    return StoryWorld(content["issuer"], content["urls"], people, tuple(content["cases"]), content["invitations"])
