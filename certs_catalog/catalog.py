"""证照目录: what each license type is, which fields its face has, and from where lookups are served.

One entry is the single source of the published list, the field dictionary, the masks and the schema word of
answers (``<type code>@<face version>``). Entries are data files (see ``catalog_files``); code here is only
their shape and the questions asked of them. Field names follow GB/T 36902 and GB/T 36903 as far as those
are established.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import ConfigDict, with_config

from certs_catalog.vocabulary import HolderCategory, Sensitivity, SharingClass

AuthorityLevel = Literal["national", "province", "city", "county", "township", "other"]
DataType = Literal["text", "date", "number", "code"]

INDEX = "index"
_STRICT = ConfigDict(extra="forbid")
_LIBRARY_PREFIX = "library:"
FIELD_NAME = re.compile(r"[a-z][a-z_]{0,47}", re.ASCII)
"""Names of face fields: without digits, so that a name which is repeated in an error never carries a number."""


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class DefiningAuthority:
    """证照定义机构: the body that defined the type; ``uscc`` is the first 18 characters of the type code."""

    name_zh: str
    name_en: str
    uscc: str
    level: AuthorityLevel


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class Sharing:
    """共享属性 with its condition and legal basis."""

    sharing_class: SharingClass
    condition_zh: str
    condition_en: str
    basis_zh: str
    basis_en: str


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class FaceField:
    """One field of the face:

    ``mask`` names a rule of ``certs_catalog.masking``, ``source`` the element of the library wire.
    """

    name: str
    label_zh: str
    label_en: str
    data_type: DataType
    sensitivity: Sensitivity
    mask: str
    source: str


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class Face:
    """照面: the fields of one version, in the order in which they are shown."""

    version: int
    fields: tuple[FaceField, ...]


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class LicenseType:
    """证照类型. ``absence_is_answer`` says that not having one is an ordinary finding (no title, no mortgage)."""

    code: str
    name_zh: str
    name_en: str
    category_zh: str
    category_en: str
    defining_authority: DefiningAuthority
    issuing_level: AuthorityLevel
    holder_category: HolderCategory
    validity_ranges: tuple[str, ...]
    sharing: Sharing
    served_from: str
    max_staleness_seconds: int
    absence_is_answer: bool
    related_matters: tuple[str, ...]
    face: Face
    fields: Mapping[str, FaceField] = field(init=False, repr=False, compare=False)
    schema: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", {entry.name: entry for entry in self.face.fields})
        object.__setattr__(self, "schema", f"{self.code}@{self.face.version}")

    @property
    def library(self) -> str | None:
        """The name of the library above that serves this type, None for our own index."""
        return self.served_from.removeprefix(_LIBRARY_PREFIX) if self.served_from != INDEX else None


class Catalog:
    """Every license type, by code; immutable after construction."""

    def __init__(self, types: Iterable[LicenseType]) -> None:
        self.types: Mapping[str, LicenseType] = {
            entry.code: entry for entry in sorted(types, key=lambda entry: entry.code)
        }
        self._field_names = frozenset(name for entry in self.types.values() for name in entry.fields)

    def find(self, code: str) -> LicenseType | None:
        """Return the type with this 21-character code, or None."""
        return self.types.get(code)

    def knows_field(self, name: str) -> bool:
        """Whether any type has a face field of this name."""
        return name in self._field_names

    def name_zh(self, code: str) -> str:
        """Return the registered name, or the code itself for a type that is not in the catalogue."""
        entry = self.types.get(code)
        return entry.name_zh if entry else code

    def name_en(self, code: str) -> str:
        """Return the English name, or the code itself for a type that is not in the catalogue."""
        entry = self.types.get(code)
        return entry.name_en if entry else code

    def field_labels(self, code: str, name: str) -> tuple[str, str]:
        """Return the Chinese and English label of a face field; a lost field is shown by its name."""
        entry = self.types.get(code)
        face_field = entry.fields.get(name) if entry else None
        return (face_field.label_zh, face_field.label_en) if face_field else (name, name)
