"""The sealed columns of licenses and kept answers, for sealing them again after a rotation of the key."""

from certs_catalog.licenses.face import FACE_CONTEXT
from certs_catalog.lookup.replay import ANSWER_CONTEXT
from certs_catalog.tables import licenses, lookup_answers
from foundation.resealing import SealedColumn

SEALED_COLUMNS = (
    SealedColumn(licenses.c.face_sealed, FACE_CONTEXT, bound_to=licenses.c.license_id),
    SealedColumn(lookup_answers.c.answer_sealed, ANSWER_CONTEXT, bound_to=lookup_answers.c.lookup_id),
)
