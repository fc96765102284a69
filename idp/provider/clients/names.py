"""What an application may be called.

Its name stands on consent pages and in text messages that go out under the official signature. A name that holds brackets as signatures
have them, an address or invisible characters could pass for a message of its own, so it is neither registered nor repeated.
"""

import re
import unicodedata

_SIGNATURE_BRACKETS = frozenset("【】〖〗")
# Names of hosts are read with any of these as their dot (UTS #46 §2.3), and phones make links of them without a scheme.
_IDEOGRAPHIC_STOP = "\u3002"
_ADDRESS = re.compile(
    r"""
    //                                # after a scheme, and without one
    | [\w-] \. [^\W\d_]{2}            # a host: something, a dot and a top-level domain of letters
    | [0-9]+ (?: \. [0-9]+ ){3}       # an IPv4 address
    """,
    re.VERBOSE,
)


def is_plain_name(name: str) -> bool:
    """Tell whether a name is nothing but a name: visible characters, no signature brackets, nothing that reads like an address. Pure.

    Judged is what the name looks like, so compatibility forms count as what they stand for (UAX #15 NFKD) and combining marks not at all.
    """
    if not name.isprintable():
        return False
    seen = "".join(
        letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.category(letter).startswith("M")
    ).replace(_IDEOGRAPHIC_STOP, ".")
    return not _SIGNATURE_BRACKETS & set(seen) and _ADDRESS.search(seen) is None
