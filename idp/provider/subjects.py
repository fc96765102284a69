"""Pairwise identifiers: who somebody is to one sector, and which session it is to one app (OpenID Connect
Core §8.1).

A subject is derived from (key version, sector, person), never from an account: whoever registers anew,
loses a phone or arrives through another user center stays the same person to each app, and is another one
to each sector. Without the key nobody can tell that two subjects are one person.
"""

import base64
import hmac
import re
from functools import lru_cache

from foundation.sealing import UnusableSealingKey, parse_key_octets

_KEY_SETTING = re.compile(r"(?P<version>[1-9][0-9]{0,5}):(?P<key>\S+)", re.ASCII)
_FEWEST_OCTETS = 32
REMEMBERED = 4_096


class Subjects:
    """Derives pairwise subjects and session identifiers under one key; identifiers have 43 base64url
    characters.
    """

    def __init__(self, key_version: int, key: bytes) -> None:
        if len(key) < _FEWEST_OCTETS:
            raise UnusableSealingKey("the subject key needs at least 32 octets")
        self.key_version = key_version
        self._key = key
        # One sign-on asks for the same few names several times; the derivation is pure, so it may be
        # remembered.
        self._derived = lru_cache(maxsize=REMEMBERED)(self._derive)

    @classmethod
    def from_setting(cls, text: str) -> "Subjects":
        """Read a setting of the form `version:base64`; raises UnusableSealingKey without repeating it."""
        match = _KEY_SETTING.fullmatch(text.strip())
        if match is None:
            raise UnusableSealingKey("the subject key is written version:base64")
        return cls(int(match["version"]), parse_key_octets(match["key"]))

    def subject(self, sector: str, person_id: str) -> str:
        """Return the `sub` by which every app of `sector` knows the person."""
        return self._derived("subject", sector, person_id)

    def session_identifier(self, client_id: str, session_id: str) -> str:
        """Return the `sid` by which one client knows the session (OpenID Connect Back-Channel Logout §2.1)."""
        return self._derived("session", client_id, session_id)

    def browser_state(self, session_id: str) -> str:
        """Return the state of a browser while the session is its own (OpenID Connect Session Management §3.2)."""
        return self._derived("browser", "", session_id)

    def _derive(self, purpose: str, audience: str, secret: str) -> str:
        parts = (purpose, str(self.key_version), audience, secret)
        message = b"".join(len(part.encode()).to_bytes(2, "big") + part.encode() for part in parts)
        return base64.urlsafe_b64encode(hmac.digest(self._key, message, "sha256")).rstrip(b"=").decode("ascii")
