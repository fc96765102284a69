"""Mobile numbers of the Chinese mainland: one canonical spelling, eleven ASCII digits.

Chinese input methods produce full-width digits easily, so these are folded on purpose and by table; nothing
else beyond ASCII is. A country code +86, 0086 or 86 and the usual separators are dropped.
"""

import re

from foundation.identifiers.errors import InvalidPhoneNumber

_FULL_WIDTH = str.maketrans("０１２３４５６７８９＋－　（）", "0123456789+- ()")
_SEPARATORS = re.compile(r"[ ()-]", re.ASCII)
_FORM = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})", re.ASCII)
_LONGEST = 32


def canonical_mobile_number(text: str) -> str:
    """Return the eleven digits, or raise InvalidPhoneNumber; whether the number is in service is not
    checked.
    """
    if len(text) > _LONGEST:
        raise InvalidPhoneNumber("too long")
    match = _FORM.fullmatch(_SEPARATORS.sub("", text.translate(_FULL_WIDTH)))
    if match is None:
        raise InvalidPhoneNumber("not eleven digits beginning with 13 to 19")
    return match[1]
