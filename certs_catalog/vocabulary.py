"""The words of the license rooms: grades, statuses, callers and holders.

Codes are the standards' own where one exists (GB/T 36903 appendix A for holder-code types); the ten license
statuses are ours, because the sectors do not share one list, and adapters map theirs to these.
"""

from dataclasses import field
from enum import IntEnum, StrEnum
from typing import Literal

from foundation.values import value_type

Channel = Literal["api", "desk"]


class Grade(IntEnum):
    """分级授权: what an answer may disclose, in ascending order."""

    VERIFY = 1
    MASKED = 2
    FULL = 3
    ORIGINAL = 4

    @property
    def word(self) -> str:
        """The grade as it is written on the wire, for example ``masked``."""
        return self.name.lower()


GRADES: dict[str, Grade] = {grade.word: grade for grade in Grade}


class LicenseStatus(StrEnum):
    """证照状态: the ten states of one issued license (see ``certs_catalog.statuses`` for the transitions)."""

    VALID = "valid"
    NOT_ACTIVE = "not_active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    REPLACED = "replaced"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    INVALID = "invalid"
    OTHER = "other"


class Sensitivity(StrEnum):
    """How much harm the disclosure of one face field can do.

    It orders nothing, the grant lists fields by name.
    """

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


class SharingClass(StrEnum):
    """共享属性: unconditional, conditional or not shared (《政务数据共享条例》, catalogue attribute)."""

    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    NOT_SHARED = "not_shared"


class HolderCategory(StrEnum):
    """持证主体类别: our own enum, because the interfaces above number these categories differently."""

    PERSON = "person"
    ORGANIZATION = "organization"
    EITHER = "either"


class Basis(StrEnum):
    """Why a lookup is allowed: 依职能用证 or 依授权用证."""

    STATUTORY = "statutory"
    HOLDER = "holder"


@value_type
class Caller:
    """Who asks, as established by the gateway before this room is called.

    ``officer_label`` is what the holder may see of the officer (work number and post), never a citizen's
    name. ``strength`` is 2 when the officer proved two factors in this sign-in, 1 for one factor, 0 when
    the officer is only named by the department's application. ``network`` is the caller's address as text.
    """

    channel: Channel
    department_id: str
    department_uscc: str
    department_name_zh: str
    department_name_en: str
    officer_id: str
    officer_label: str
    client_id: str | None
    acr: str
    strength: int
    network: str
    via: tuple[str, ...] = ()
    """The applications that the officer's request passed through before ``client_id``, the latest first."""


@value_type
class HolderRef:
    """A holder by code type and blind index; the number itself is never kept here."""

    type: str
    index: bytes = field(repr=False)
