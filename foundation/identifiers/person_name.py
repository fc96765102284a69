"""Personal names: up to fifty characters of any plane of GB 18030, passed on unchanged.

Two functions, since showing and comparing want different things: ``parse_person_name`` keeps what the
document prints, and ``name_matching_key`` folds what two registers may spell differently.
"""

import re
import unicodedata

from foundation.identifiers.errors import InvalidPersonName

LONGEST_NAME = 50

# The middle dot is typed in many ways; identity documents print U+00B7.
_DOTS = str.maketrans(dict.fromkeys("•‧∙⋅・･．﹒᛫", "·"))
# CJK compatibility ideographs: NFC would replace them by another character than the one printed on the
# document.
_COMPATIBILITY_IDEOGRAPHS = re.compile("([\uf900-\ufaff\U0002f800-\U0002fa1f]+)")
# Co: rare characters of older name registers still live in the private use area. Nl holds U+3007 〇.
_NAME_CATEGORIES = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nl", "Co"))
_NAME_SIGNS = frozenset("· -'’.")


def parse_person_name(text: str) -> str:
    """Return the name with outer spaces dropped, dots unified and letters composed (NFC), or raise
    InvalidPersonName.

    Control and formatting characters (bidirectional overrides, zero-width characters), digits, line breaks
    and unassigned code points are refused. Length is counted in code points after normalising.
    """
    if len(text) > LONGEST_NAME * 4:
        raise InvalidPersonName("too long")
    name = _compose(text.strip(" \u3000").translate(_DOTS))
    if not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidPersonName("empty or too long")
    if not all(map(_is_name_character, name)):
        raise InvalidPersonName("a character that no name holds")
    if name[0] in _NAME_SIGNS or unicodedata.category(name[0]).startswith("M"):
        raise InvalidPersonName("begins with a sign")
    return name


def name_matching_key(name: str) -> str:
    """Return the form in which two spellings of one name are equal: NFC, inner spaces and dots removed,
    capitals folded.
    """
    folded = unicodedata.normalize("NFC", name.translate(_DOTS)).casefold()
    return unicodedata.normalize("NFC", "".join(character for character in folded if character not in "· \u3000"))


def _is_name_character(character: str) -> bool:
    # Planes 2 and 3 hold ideographs alone; the newest of them are missing from the tables of older Pythons.
    return (
        character in _NAME_SIGNS
        or unicodedata.category(character) in _NAME_CATEGORIES
        or "\U00020000" <= character <= "\U0003fffd"
    )


def _compose(text: str) -> str:
    runs = _COMPATIBILITY_IDEOGRAPHS.split(text)
    # split() with one group alternates: even runs are ordinary text, odd runs are the ideographs to keep.
    return "".join(run if index % 2 else unicodedata.normalize("NFC", run) for index, run in enumerate(runs))
