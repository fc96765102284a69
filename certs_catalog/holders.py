"""持证主体: from a document number to the blind reference under which licenses and accesses are kept.

The number is canonicalised by its type first (GB 11643, GB 32100, …), so that one person has one reference.
Nothing below this module sees the number again, except the outside library that has to be asked with it.
"""

from datetime import date

from certs_catalog.vocabulary import HolderRef
from foundation.identifiers import canonical_document_number
from foundation.sealing import BlindIndex


def holder_ref(type_code: str, number: str, *, blind_index: BlindIndex, today: date) -> HolderRef:
    """Canonicalise and reference one holder.

    Raises InvalidIdentifier for a number that its type does not allow.
    """
    return reference_of_canonical(
        type_code, canonical_document_number(type_code, number, today=today), blind_index=blind_index
    )


def reference_of_canonical(type_code: str, canonical: str, *, blind_index: BlindIndex) -> HolderRef:
    """Reference a number that is canonical already."""
    return HolderRef(type=type_code, index=blind_index.index(f"document:{type_code}", canonical))
