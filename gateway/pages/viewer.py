"""Who is looking at a page: the bar under the header says it on every signed-in page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Persona = Literal["citizen", "officer"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """The signed-in person as the page may show them: names and numbers arrive masked, never in full.

    ``organization`` is filled when a citizen acts for one; then the bar turns indigo. ``work_number`` and ``post``
    belong to officers. ``session_ends_at`` is an aware instant; near it the page warns and offers to go on.
    """

    persona: Persona
    name: str
    number: str = ""
    work_number: str = ""
    post: str = ""
    organization: str = ""
    organization_role: str = ""
    session_ends_at: datetime | None = None
    switch_href: str = ""
