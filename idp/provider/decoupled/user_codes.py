"""User codes of the device flow (RFC 8628 §6.1): short enough to type, long enough not to be guessed.

Eight letters of twenty: no vowels, so that no word comes out, and none that is mistaken for a digit. 20^8 codes are 34 bits; how often one
may guess is limited where codes are looked up.
"""

import hashlib
import unicodedata

from foundation.entropy import Entropy

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH = 8
LONGEST_INPUT = 64
# The largest multiple of the alphabet's size in an octet: what is drawn above it would favour the first letters.
_FAIR = 256 - 256 % len(ALPHABET)


def draw_user_code(entropy: Entropy) -> str:
    """Return a fresh code without separators, each letter drawn uniformly."""
    code = ""
    while len(code) < LENGTH:
        code += "".join(ALPHABET[octet % len(ALPHABET)] for octet in entropy.octets(LENGTH) if octet < _FAIR)
    return code[:LENGTH]


def show_user_code(code: str) -> str:
    """Return the code as screens show it: two groups of four."""
    return f"{code[:4]}-{code[4:]}"


def parse_user_code(text: str) -> str | None:
    """Return the code somebody typed, whatever case, width and separators they used; None when it cannot be one."""
    narrow = unicodedata.normalize("NFKC", text[:LONGEST_INPUT]).upper()
    letters = "".join(letter for letter in narrow if not (letter.isspace() or unicodedata.category(letter) == "Pd"))
    if len(letters) != LENGTH or not set(letters) <= set(ALPHABET):
        return None
    return letters


def user_code_hash(code: str) -> bytes:
    """Return the form in which a code is stored and looked for."""
    return hashlib.sha256(b"user-code:" + code.encode("ascii")).digest()
