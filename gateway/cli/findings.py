"""What an examination of `renzheng doctor` says."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one examination saw, and the next step where something is to be done."""

    name: str
    state: State
    observed: str
    next_step: str = ""
