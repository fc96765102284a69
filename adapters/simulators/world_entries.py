"""What a simulated world is made of: people, clients, accounts, licenses, cases and sample apps."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProvincePerson(_Entry):
    """A person whom the province center knows; `level` is the center's own coding, 0 to 3."""

    user_name: str
    subject: str
    name: str
    document_type: str = "111"
    document_number: str
    phone: str | None = None
    level: Literal["0", "1", "2", "3"] = "3"


class CenterClient(_Entry):
    """A district that is registered at the province center."""

    client_id: str
    name: str = ""
    client_secret: str | None = None
    public_jwks: dict[str, object] | None = None
    redirect_uris: tuple[str, ...]


class LibraryAccount(_Entry):
    """An organisation with access to the license library, with its SM2 public key (130 hexadecimal
    characters).
    """

    access_id: str
    access_token: str
    organization: str
    public_key: str
    license_types: tuple[str, ...]


class LicenseRecord(_Entry):
    """One license of the library; dates are `YYYYMMDD`, `status` is the sector's code (10 is valid)."""

    identifier: str
    type_code: str
    type_name: str
    number: str
    holder_name: str
    holder_type: str
    holder_code: str
    issuer_name: str
    issuer_code: str
    issue_date: str
    valid_from: str
    valid_to: str | None = None
    status: str = "10"
    face: dict[str, str] = Field(default_factory=dict)


class CaseRecord(_Entry):
    """One case (办件) of a matter (事项) at a department."""

    number: str
    matter_code: str
    matter_name: str
    matter_name_en: str = ""
    department_uscc: str
    open: bool = True
    holder_type: str = "111"
    holder_number: str | None = None


class Citizen(_Entry):
    """A line of the population register against which names and numbers are checked."""

    document_number: str
    document_type: str = "111"
    name: str


class ServiceApp(_Entry):
    """A sample service app as it is registered at the product."""

    client_id: str
    client_secret: str
    title_zh: str
    title_en: str
    department_zh: str
    base_url: str
    scopes: tuple[str, ...]
    department_uscc: str


@dataclass(slots=True)
class World:
    """Everything the simulators know; the collections are edited in place by the administration routes."""

    issuer: str
    people: dict[str, ProvincePerson] = field(default_factory=dict)
    clients: dict[str, CenterClient] = field(default_factory=dict)
    accounts: dict[str, LibraryAccount] = field(default_factory=dict)
    licenses: dict[str, LicenseRecord] = field(default_factory=dict)
    cases: dict[str, CaseRecord] = field(default_factory=dict)
    citizens: dict[str, Citizen] = field(default_factory=dict)
    api_keys: dict[str, str] = field(default_factory=dict)
    service_apps: dict[str, ServiceApp] = field(default_factory=dict)
