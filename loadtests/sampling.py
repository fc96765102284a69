"""A sampling profiler: every few milliseconds of processor time it notes where the main thread stands.

Unlike a tracing profiler it does not make Python functions look dearer than C ones, so its shares can be believed. C code counts
for the Python line that called it; what other threads use (password hashing) counts for the line at which the main thread waits. A
greenlet has a stack of its own: what runs inside SQLAlchemy's or Authlib's does not count for whoever switched to it.
"""

import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

INTERVAL_S = 0.004  # the resolution of the timer in common kernels
_OUTERMOST = "asyncio/runners.py"
_DEEPEST = 120


@dataclass(slots=True)
class Samples:
    """How often each function was at the top of the stack, and how often it was anywhere on it."""

    taken: int = 0
    on_top: Counter[str] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)
    anywhere: Counter[str] = field(default_factory=Counter)

    def take(self, _number: int, frame: FrameType | None) -> None:
        """Note one stack; installed as the handler of SIGPROF."""
        if frame is None:
            return
        self.taken += 1
        self.on_top[_place(frame)] += 1
        self.lines[f"{_place(frame)}:{frame.f_lineno}"] += 1
        seen: set[str] = set()
        at: FrameType | None = frame
        for _ in range(_DEEPEST):
            if at is None:
                break
            place = _place(at)
            seen.add(place)
            # Further out is only what started the server.
            at = None if _OUTERMOST in place else at.f_back
        self.anywhere.update(seen)

    def start(self) -> None:
        """Begin to sample; only the main thread may call it."""
        signal.signal(signal.SIGPROF, self.take)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)

    def stop(self) -> None:
        """End sampling."""
        signal.setitimer(signal.ITIMER_PROF, 0.0)

    def render(self, *, rows: int) -> str:
        """Return three lists: own time by function, own time by line, time with everything called."""
        parts = [f"{self.taken} samples, one every {INTERVAL_S * 1000:g} ms of processor time"]
        for title, counter in (
            ("own time, by function", self.on_top),
            ("own time, by line", self.lines),
            ("time with everything called, by function", self.anywhere),
        ):
            parts.append(f"\n{title}")
            parts += [f"{count * 100 / max(self.taken, 1):6.2f} %  {name}" for name, count in counter.most_common(rows)]
        return "\n".join(parts) + "\n"


def _place(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename)
    return f"{'/'.join(path.parts[-3:])}:{frame.f_code.co_qualname}"
