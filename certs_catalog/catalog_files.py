"""Reading the catalogue from data files, and the checks every entry has to pass before anything is served
by it.

The registered pairs of code and name are ``data/registered_types.json``: national quality control refuses
data whose license name is not the registered name of its code, so an entry that deviates, or a code that is
not registered, stops the start with the code named.
"""

import json
from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from pydantic import TypeAdapter, ValidationError

from certs_catalog.catalog import FIELD_NAME, INDEX, Catalog, FaceField, LicenseType
from certs_catalog.errors import CatalogInvalid
from certs_catalog.masking import RULES
from certs_catalog.vocabulary import Sensitivity
from foundation.identifiers import InvalidIdentifier, parse_license_type_code, parse_social_credit_code

DATA = files("certs_catalog") / "data"
_ENTRY = TypeAdapter(LicenseType)
_PAIRS = TypeAdapter(dict[str, str])


def load_catalog(directory: Traversable = DATA) -> Catalog:
    """Read every entry below ``catalog/`` and check it; raises CatalogInvalid naming file and code."""
    registered = _PAIRS.validate_json((directory / "registered_types.json").read_bytes())
    entries = [
        parse_entry(file.read_bytes(), name=file.name)
        for file in sorted((directory / "catalog").iterdir(), key=lambda file: file.name)
        if file.name.endswith(".json")
    ]
    for entry in entries:
        check_entry(entry, registered)
    repeated = [code for code, count in Counter(entry.code for entry in entries).items() if count > 1]
    if repeated:
        raise CatalogInvalid(f"license type {repeated[0]} is described twice")
    return Catalog(entries)


def parse_entry(octets: bytes, *, name: str) -> LicenseType:
    """Read one entry; unknown or missing members and wrong types raise CatalogInvalid naming the file."""
    try:
        return _ENTRY.validate_json(octets, strict=True)
    except (ValidationError, json.JSONDecodeError) as failure:
        raise CatalogInvalid(f"{name}: {failure}") from failure


def check_entry(entry: LicenseType, registered: Mapping[str, str]) -> None:
    """Check one entry against the registered pairs, its authority, its face and the masking rules."""
    if entry.code not in registered:
        raise CatalogInvalid(f"license type code {entry.code} is not registered")
    if registered[entry.code] != entry.name_zh:
        raise CatalogInvalid(f"license type {entry.code} is registered under another name")
    try:
        parse_license_type_code(entry.code)
        parse_social_credit_code(entry.defining_authority.uscc)
    except InvalidIdentifier as failure:
        raise CatalogInvalid(f"license type {entry.code}: {failure.description_en}") from failure
    if not entry.code.startswith(entry.defining_authority.uscc):
        raise CatalogInvalid(f"license type {entry.code} does not begin with the code of its defining authority")
    if entry.served_from != INDEX and not entry.served_from.startswith("library:"):
        raise CatalogInvalid(f"license type {entry.code}: served_from is index or library:<name>")
    if len(entry.fields) != len(entry.face.fields):
        raise CatalogInvalid(f"license type {entry.code}: a face field is described twice")
    for face_field in entry.face.fields:
        _check_field(entry, face_field)


def _check_field(entry: LicenseType, face_field: FaceField) -> None:
    if not FIELD_NAME.fullmatch(face_field.name):
        raise CatalogInvalid(f"license type {entry.code}: {face_field.name!r} is no field name")
    if face_field.mask not in RULES:
        raise CatalogInvalid(f"license type {entry.code}: field {face_field.name} names an unknown masking rule")
    if face_field.mask == "none" and face_field.sensitivity in (Sensitivity.PERSONAL, Sensitivity.SENSITIVE):
        raise CatalogInvalid(f"license type {entry.code}: field {face_field.name} is personal and has no mask")
