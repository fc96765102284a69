"""Binding messages (CIBA Core §7.1): what the screen of the app and the person's own device both show, so that they can be compared.

Only what looks the same on both: letters, digits, the plain space and common punctuation, in normal form. Control and formatting
characters, and with them every trick of direction or invisible text, are no part of it.
"""

import unicodedata

from idp.provider.decoupled.reasons import INVALID_BINDING_MESSAGE
from idp.provider.errors import TokenError

LONGEST = 64
_PUNCTUATION = frozenset(" -–—_.,:;/#()+*&'\"!?%@=·，。：；、（）《》“”‘’！？￥〔〕【】")
_LETTERS_AND_DIGITS = frozenset({"Lu", "Ll", "Lo", "Lt", "Nd"})


def check_binding_message(text: str | None) -> str | None:
    """Return the message as it will be shown; raises TokenError invalid_binding_message."""
    if text is None:
        return None
    if len(text) > LONGEST or unicodedata.normalize("NFC", text) != text or not text.strip():
        raise TokenError(INVALID_BINDING_MESSAGE, "length or normal form")
    if not all(letter in _PUNCTUATION or unicodedata.category(letter) in _LETTERS_AND_DIGITS for letter in text):
        raise TokenError(INVALID_BINDING_MESSAGE, "characters")
    return text
