"""Partial display of personal data: enough for its owner to recognise it, too little for anybody else to use.

These are display forms only. Whether a caller may see a field, and in which grade, is decided elsewhere.
"""

import unicodedata


def show_document_number_in_part(number: str) -> str:
    """``110105********0021``-like numbers keep four characters on each side, shorter ones two or one:
    ``1101**********0021``.
    """
    length = len(number)
    kept = 4 if length >= 15 else 2 if length >= 8 else 1 if length >= 4 else 0
    return number[:kept] + "*" * (length - 2 * kept) + number[length - kept :]


def show_phone_number_in_part(phone: str) -> str:
    """``138****1234`` for eleven digits; anything else is treated like a document number."""
    if len(phone) == 11:
        return f"{phone[:3]}****{phone[7:]}"
    return show_document_number_in_part(phone)


def show_name_in_part(name: str) -> str:
    """``张*`` for two characters, ``张*明`` for three, ``欧**明`` for four; dots between the parts of a
    name stay.
    """
    clusters = _clusters(name)
    if len(clusters) < 2:
        return "*" * len(clusters)
    first, *middle = clusters
    last = middle.pop() if len(clusters) > 2 else "*"
    if len(clusters) == 2:
        return f"{first}*"
    return first + "".join(cluster if cluster in "· " else "*" for cluster in middle) + last


def _clusters(text: str) -> list[str]:
    """Split into what a reader sees as one character: combining marks and variation selectors stay with
    what they modify.
    """
    clusters: list[str] = []
    for character in text:
        if clusters and unicodedata.category(character).startswith("M"):
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters
