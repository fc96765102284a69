"""Every outside system in one section of the settings."""

from pydantic import BaseModel, ConfigDict, Field

from adapters.api_calls import ApiSettings
from adapters.license_libraries.certshare.settings import CertshareSettings
from adapters.sms.settings import SmsSettings
from adapters.user_centers.oidc.settings import OidcCenterSettings


class OutgoingSettings(BaseModel):
    """What our own HTTP client may reach."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow_private_networks: bool = Field(
        default=False,
        description="Whether addresses that a client registered may lie in private networks or on this machine.",
    )
    allow_http: bool = Field(
        default=False, description="Whether plain HTTP is allowed; for demonstrations on one machine only."
    )
    ca_file: str | None = Field(
        default=None, description="PEM file of the authorities to trust instead of the system's."
    )


class AdapterSettings(BaseModel):
    """The outside systems of one installation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outgoing: OutgoingSettings = Field(default=OutgoingSettings(), description="Bounds of the outgoing HTTP client.")
    centers: tuple[OidcCenterSettings, ...] = Field(default=(), description="Upper user centers.")
    libraries: tuple[CertshareSettings, ...] = Field(default=(), description="Upper license libraries.")
    sms: SmsSettings = Field(default=SmsSettings(), description="Text messages.")
    sms_console: bool = Field(
        default=False,
        description="Whether messages, one-time codes among them, are written to standard error when no SMS gateway is set; "
        "never in production. An issuer on this machine itself does so anyway.",
    )
    proofing: ApiSettings | None = Field(
        default=None, description="Identity proofing source; left out, nobody can register locally."
    )
    matters: ApiSettings | None = Field(
        default=None, description="Case system; left out, no lookup that needs a case is allowed."
    )
