"""Sessions of a sample app, in memory: who is signed in, and which sessions ended for what reason."""

import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.simulators.service_app.relying_party import LogoutOrder, PendingSignIn, SignedInPerson

_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class AppSession:
    """One signed-in browser; `form_key` guards the sign-out form against other sites."""

    person: SignedInPerson
    form_key: str

    @property
    def facts(self) -> dict[str, Any]:
        """What the app knows of the person, for its page and its JSON."""
        claims, userinfo = self.person.claims, self.person.userinfo
        return {
            "sub": claims["sub"],
            "name": userinfo.get("name"),
            "level": userinfo.get("realname_level"),
            "acr": claims.get("acr"),
            "sid": claims.get("sid"),
        }


@dataclass(slots=True)
class AppSessions:
    """Live sessions by cookie value, pending sign-ins by cookie value, and the last endings."""

    live: dict[str, AppSession] = field(default_factory=dict)
    pending: dict[str, PendingSignIn] = field(default_factory=dict)
    ended: deque[Mapping[str, Any]] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def wait(self, pending: PendingSignIn) -> str:
        """Remember a sign-in that has begun; returns the cookie value that brings it back."""
        if len(self.pending) >= _KEPT:
            self.pending.pop(next(iter(self.pending)))
        value = secrets.token_urlsafe(32)
        self.pending[value] = pending
        return value

    def open(self, person: SignedInPerson) -> str:
        """Open a session and return its cookie value."""
        value = secrets.token_urlsafe(32)
        self.live[value] = AppSession(person, secrets.token_urlsafe(24))
        return value

    def end(self, value: str, reason: str) -> None:
        """End one session if it lives."""
        session = self.live.pop(value, None)
        if session is not None:
            claims = session.person.claims
            self.ended.append({"sid": claims.get("sid"), "sub": claims["sub"], "reason": reason})

    def carry_out(self, order: LogoutOrder) -> int:
        """End the sessions that a logout token names and return their number; `sid` binds closer than
        `sub`.
        """

        def is_meant(session: AppSession) -> bool:
            claims = session.person.claims
            same_person = order.sub is None or claims["sub"] == order.sub
            return same_person and (order.sid is None or claims.get("sid") == order.sid)

        meant = [value for value, session in self.live.items() if is_meant(session)]
        for value in meant:
            self.end(value, "back-channel")
        return len(meant)
