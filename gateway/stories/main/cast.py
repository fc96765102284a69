"""Who plays in the main story, and what they remember from one step to the next."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx2

from foundation.entropy import Entropy
from gateway.stories.browser import TIMEOUT_S, Browser
from gateway.stories.world import StoryPerson, StoryWorld

Seen = TypeVar("Seen")
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a license that its holder has to find on the page of accesses; `fields` by their labels."""

    license_name: str
    fields: tuple[str, ...]
    case: str
    allowed: bool
    code: str | None = None


@dataclass(slots=True)
class Cast:
    """The people with their browsers, a program without one, and the story's memory."""

    world: StoryWorld
    environment_file: Path
    entropy: Entropy
    citizen: Browser = field(default_factory=Browser)
    newcomer: Browser = field(default_factory=Browser)
    officer: Browser = field(default_factory=Browser)
    program: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=TIMEOUT_S, trust_env=False))
    registered: StoryPerson | None = None
    password: str = ""
    subjects: dict[str, str] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    accesses_before: int = 0
    uses: list[Use] = field(default_factory=list)
    last_use_at: float = 0.0

    def close(self) -> None:
        """Close every connection."""
        for browser in (self.citizen, self.newcomer, self.officer):
            browser.close()
        self.program.close()

    def note_use(self, license: tuple[str, str], fields: Iterable[str], *, case: str, code: str | None = None) -> None:
        """Remember a use and when it happened; `license` is type code and name, `code` that of a refusal."""
        labels = tuple(self.labels[license[0]][name] for name in fields)
        self.uses.append(Use(license[1], labels, case, code is None, code))
        self.last_use_at = time.monotonic()

    def places(self) -> tuple[str, ...]:
        """The origins between which the citizen's browser may be sent."""
        urls = self.world.urls
        return (self.world.issuer, urls["housing"], urls["business"], urls["province"])
