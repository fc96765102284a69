"""What one OpenID Connect user center needs to be reached, verified and trusted as far as it deserves."""

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from idp.vocabulary import RealNameLevel

Algorithm = Literal["ES256", "ES384", "PS256", "RS256", "Ed25519"]


class ClaimNames(BaseModel):
    """Under which names the center delivers what we need; centers differ."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default="name", description="Claim with the person's name.")
    document_type: str = Field(
        default="document_type",
        description="Claim with the kind of identity document, in its coding.",
    )
    document_number: str = Field(
        default="document_number", description="Claim with the number of the identity document."
    )
    phone: str = Field(default="phone_number", description="Claim with the mobile number.")
    phone_verified: str = Field(
        default="phone_number_verified",
        description="Claim that must be true before the mobile number is believed.",
    )
    verified_at: str = Field(
        default="real_name_verified_at", description="Claim with the NumericDate of the center's own check."
    )
    verified_by: str = Field(default="real_name_method", description="Claim with the center's own way of checking.")


class OidcCenterSettings(BaseModel):
    """One upper user center that speaks OpenID Connect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        pattern=r"^[a-z][a-z0-9-]{0,31}$",
        description="Key of the center and part of the identity key: never change it.",
    )
    display_name_zh: str = Field(description="Chinese name on the sign-in button.")
    display_name_en: str = Field(description="English name on the sign-in button.")
    issuer: str = Field(description="Issuer, compared character by character with the center's metadata.")
    client_id: str = Field(description="Our client_id at the center.")
    client_secret: SecretStr | None = Field(
        default=None, description="Our secret there (client_secret_basic); or give a private key instead."
    )
    private_jwk: SecretStr | None = Field(
        default=None, description="Private JWK with kid and alg for private_key_jwt (RFC 7523)."
    )
    scopes: tuple[str, ...] = Field(default=("openid", "profile", "phone"), description="Scopes to ask for.")
    id_token_algorithms: tuple[Algorithm, ...] = Field(
        default=("ES256", "PS256", "RS256", "Ed25519"), description="Signature algorithms that are accepted."
    )
    ceiling: RealNameLevel = Field(
        default=RealNameLevel.HIGH, description="Highest real-name level that this center is trusted for."
    )
    level_claim: str = Field(default="acr", description="Claim that carries the center's level.")
    level_from: Literal["id_token", "userinfo"] = Field(
        default="id_token", description="Document in which that claim is looked up; no other is believed."
    )
    levels: dict[str, RealNameLevel] = Field(
        default={
            "0": RealNameLevel.NONE,
            "1": RealNameLevel.BASIC,
            "2": RealNameLevel.MEDIUM,
            "3": RealNameLevel.HIGH,
        },
        description="The center's level values and ours; a value not listed vouches for nothing.",
    )
    document_types: dict[str, str] = Field(
        default={"111": "111", "414": "414", "511": "511", "516": "516"},
        description="The center's document type values and ours (GB/T 36903 appendix A).",
    )
    claims: ClaimNames = Field(default=ClaimNames(), description="Names of the claims.")
    deadline: timedelta = Field(
        default=timedelta(seconds=5),
        gt=timedelta(0),
        le=timedelta(seconds=10),
        description="Time for all calls between the browser's request and our answer.",
    )
    metadata_lifetime: timedelta = Field(
        default=timedelta(hours=1),
        description="How long the center's metadata is used unread.",
    )
    keys_pause: timedelta = Field(
        default=timedelta(minutes=1), description="Least time between two fetches of the center's keys."
    )
    failure_pause: timedelta = Field(
        default=timedelta(seconds=5), description="How long a failed fetch of metadata is remembered."
    )
    shown_down_for: timedelta = Field(
        default=timedelta(seconds=30),
        description="How long the button shows the center as down after a failure.",
    )
    clock_leeway: timedelta = Field(
        default=timedelta(seconds=10), description="Difference of clocks that is borne with."
    )
    concurrency: int = Field(default=32, ge=1, description="Calls to this center at once (bulkhead).")

    @model_validator(mode="after")
    def _has_one_credential(self) -> "OidcCenterSettings":
        if (self.client_secret is None) == (self.private_jwk is None):
            raise ValueError("give either client_secret or private_jwk")
        return self
