"""What one certshare library needs to be reached, read and borne with."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from certs_catalog.vocabulary import LicenseStatus

# 交通(道路) and 交通(船) codes; other sectors number differently, so the table is a setting and unknown codes
# become OTHER, never VALID.
_SECTOR_STATUSES = {
    "10": LicenseStatus.VALID,
    "01": LicenseStatus.REPLACED,
    "02": LicenseStatus.EXPIRED,
    "03": LicenseStatus.CANCELLED,
    "04": LicenseStatus.WITHDRAWN,
    "05": LicenseStatus.REVOKED,
    "09": LicenseStatus.INVALID,
}


class CertshareSettings(BaseModel):
    """One license library that speaks the certshare wire."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Key of the library; the catalogue's `served_from` names it.")
    display_name_zh: str = Field(description="Chinese name shown beside answers from this library.")
    display_name_en: str = Field(description="English name shown beside answers from this library.")
    base_url: str = Field(description="Address under which the operations lie, without a trailing slash.")
    access_id: str = Field(description="Account that the library gave to this district (`accessId`).")
    access_token: SecretStr = Field(description="Token of that account (`accessToken`).")
    private_key: SecretStr = Field(
        description="SM2 private key, 64 hexadecimal characters; answers are sealed for its public key."
    )
    previous_private_key: SecretStr | None = Field(
        default=None, description="The key before it, still tried while the library changes over."
    )
    deadline: timedelta = Field(
        default=timedelta(seconds=5),
        gt=timedelta(0),
        le=timedelta(seconds=10),
        description="Time for one lookup in all, waiting and retry included; at most 10 s.",
    )
    max_bytes: int = Field(default=1_048_576, ge=1_024, description="Largest answer that is read, in octets.")
    concurrency: int = Field(default=32, ge=1, description="Calls to this library at once (bulkhead).")
    patience: timedelta = Field(
        default=timedelta(milliseconds=500), description="How long a call waits for a place in the bulkhead."
    )
    breaker_window: timedelta = Field(
        default=timedelta(seconds=30), description="Span over which the circuit breaker counts calls."
    )
    breaker_minimum_calls: int = Field(
        default=20, ge=1, description="Calls within the span below which the breaker never opens."
    )
    breaker_failure_share: float = Field(
        default=0.5, gt=0, le=1, description="Share of failed calls at which the breaker opens."
    )
    breaker_pause: timedelta = Field(
        default=timedelta(seconds=10), description="How long the open breaker refuses before it probes."
    )
    breaker_probes: int = Field(default=3, ge=1, description="Probes that must all succeed to close it.")
    statuses: dict[str, LicenseStatus] = Field(
        default=_SECTOR_STATUSES, description="License status codes of the library's sectors, mapped to ours."
    )
