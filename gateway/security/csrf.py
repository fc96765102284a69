"""Proof that a form was sent from one of our own pages, decided in one place for every page.

Two independent signs are asked for: what the browser says about the sender (Sec-Fetch-Site, or Origin from browsers without it),
and a token in the form that only a page shown to this very browser could carry.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping

FIELD = "csrf_token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CsrfTokens:
    """Makes and checks form tokens: a MAC over the browser's name, so nothing is stored and every node agrees."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"renzheng csrf 1", hashlib.sha256)

    def token(self, browser: str) -> str:
        """Return the token for the pages shown to this browser."""
        return urlsafe_b64encode(hmac.digest(self._key, browser.encode(), hashlib.sha256)).decode().rstrip("=")

    def is_valid(self, token: str, browser: str) -> bool:
        """Tell whether the token was made for this browser."""
        return hmac.compare_digest(self.token(browser).encode(), token.encode("utf-8", "replace"))


def is_same_origin(headers: Mapping[bytes, bytes], *, origin: str) -> bool:
    """Tell whether the browser says that the request comes from a page of `origin`, or says nothing either way."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    # Our pages send no referrer, and some browsers then say `Origin: null`; the form token decides alone in that case.
    return headers.get(b"origin", b"null") in (b"null", origin.encode())
