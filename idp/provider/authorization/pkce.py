"""Proof Key for Code Exchange (RFC 7636), S256 alone; the policies say which client may do without (RFC 9700 §2.1.1)."""

import base64
import hashlib
import hmac
import re

from idp.provider.authorization.reasons import PKCE_REQUIRED
from idp.provider.errors import RedirectableError, TokenError
from idp.provider.tokens.reasons import PKCE_FAILED

CODE_CHALLENGE_METHOD = "S256"

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


def check_code_challenge(code_challenge: str | None, method: str | None) -> str:
    """Return the challenge of an authorization request (RFC 7636 §4.3), or raise RedirectableError.

    An absent method would mean `plain` and is refused like every other method than S256.
    """
    if code_challenge is None or method != CODE_CHALLENGE_METHOD:
        raise RedirectableError(PKCE_REQUIRED, "no challenge or another method than S256")
    if not _CHALLENGE.fullmatch(code_challenge):
        raise RedirectableError(PKCE_REQUIRED, "the challenge is not 43 base64url characters")
    return code_challenge


def check_pkce(code_challenge: str, code_verifier: str | None) -> None:
    """RFC 7636 §4.6: the S256 of the verifier equals the stored challenge, else TokenError invalid_grant.

    A verifier where no challenge was stored is a sign that it was taken out on the way (RFC 9700 §4.8.2).
    """
    if not code_challenge:
        if code_verifier is not None:
            raise TokenError(PKCE_FAILED, "verifier without a challenge")
        return
    if code_verifier is None or not _VERIFIER.fullmatch(code_verifier):
        raise TokenError(PKCE_FAILED, "verifier missing or malformed")
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    computed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
    if not hmac.compare_digest(computed, code_challenge):
        raise TokenError(PKCE_FAILED, "verifier does not match")
