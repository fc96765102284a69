"""The sealed columns of persons, accounts and second factors, for sealing them again after a rotation of the key."""

from foundation.resealing import SealedColumn
from idp.people.accounts import PHONE_CONTEXT
from idp.people.persons import DOCUMENT_CONTEXT, NAME_CONTEXT
from idp.people.tables import accounts, persons
from idp.signin.tables import totp_credentials
from idp.signin.totp import SECRET_CONTEXT

SEALED_COLUMNS = (
    SealedColumn(persons.c.name_sealed, NAME_CONTEXT),
    SealedColumn(persons.c.document_sealed, DOCUMENT_CONTEXT),
    SealedColumn(accounts.c.phone_sealed, PHONE_CONTEXT),
    SealedColumn(totp_credentials.c.secret_sealed, SECRET_CONTEXT),
)
