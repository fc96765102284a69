"""The lifetimes and limits of the provider, each a setting with the default of the security policy."""

from datetime import timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class ProviderLimits(BaseModel):
    """Settings of the OpenID provider; durations are given in seconds or as ISO 8601 (`PT60S`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code_lifetime: timedelta = Field(
        timedelta(seconds=60),
        gt=timedelta(0),
        le=timedelta(minutes=10),
        description="Life of an authorization code.",
    )
    pushed_request_lifetime: timedelta = Field(
        timedelta(seconds=60),
        gt=timedelta(0),
        lt=timedelta(seconds=600),
        description="How soon an authorization has to begin after its request was pushed.",
    )
    transaction_lifetime: timedelta = Field(
        timedelta(minutes=15),
        gt=timedelta(0),
        le=timedelta(hours=1),
        description="How long an authorization may wait for sign-in and consent.",
    )
    challenge_uses: int = Field(
        3,
        ge=1,
        description="Authorizations of one app in a day that may carry the same PKCE challenge before it is put on record; none is refused.",
    )
    access_token_lifetime: timedelta = Field(
        timedelta(minutes=10),
        gt=timedelta(0),
        le=timedelta(minutes=10),
        description="Life of an access token.",
    )
    license_token_lifetime: timedelta = Field(
        timedelta(minutes=5),
        gt=timedelta(0),
        le=timedelta(minutes=5),
        description="Life of an access token that reaches real-name data or licenses.",
    )
    id_token_lifetime: timedelta = Field(
        timedelta(minutes=10), gt=timedelta(0), le=timedelta(hours=1), description="Life of an ID token."
    )
    refresh_idle: timedelta = Field(
        timedelta(days=7), gt=timedelta(0), description="A refresh token that is not used for so long dies."
    )
    refresh_absolute: timedelta = Field(
        timedelta(days=30), gt=timedelta(0), description="No family of refresh tokens lives longer than this."
    )
    staff_refresh_absolute: timedelta = Field(
        timedelta(hours=12), gt=timedelta(0), description="The same for what an officer authorised."
    )
    withdrawn_kept: timedelta = Field(
        timedelta(days=180),
        gt=timedelta(0),
        description="How long a consent is kept after it was withdrawn, and an invitation after it expired; the ledger keeps what happened.",
    )
    exchange_actors: int = Field(
        3, ge=1, le=5, description="Applications that one token may pass through by exchange, the first included."
    )
    token_requests_per_window: int = Field(
        30,
        ge=0,
        description="Requests to the token endpoint per client and address in one window; 0 is no limit.",
    )
    token_request_window: timedelta = Field(
        timedelta(seconds=60), gt=timedelta(0), description="The window of `token_requests_per_window`."
    )
    max_query_octets: int = Field(8 * 1024, gt=0, description="Longest query of an authorization request, in octets.")
    max_form_octets: int = Field(64 * 1024, gt=0, description="Longest form body, in octets.")
    client_keys_fresh: timedelta = Field(
        timedelta(minutes=10),
        gt=timedelta(0),
        le=timedelta(hours=1),
        description="Keys that an app publishes (`jwks_uri`) are believed for so long without asking again; a key that it withdrew dies then. "
        "A key that is not among them is looked for at once.",
    )
    client_keys_stale: timedelta = Field(
        timedelta(hours=1),
        gt=timedelta(0),
        le=timedelta(days=1),
        description="They stay usable for so long while their address does not answer; not less than `client_keys_fresh`.",
    )
    client_keys_retry: timedelta = Field(
        timedelta(seconds=15),
        gt=timedelta(0),
        le=timedelta(minutes=5),
        description="An address of keys that failed is not asked again for so long.",
    )
    logout_timeout: timedelta = Field(
        timedelta(seconds=5),
        gt=timedelta(0),
        le=timedelta(seconds=5),
        description="Deadline of one sign-out message.",
    )
    logout_attempts: int = Field(8, ge=1, le=20, description="Sign-out messages are tried so often, then kept as dead.")
    logout_first_retry: timedelta = Field(
        timedelta(seconds=2),
        gt=timedelta(0),
        description="Pause before the second try; it doubles each time.",
    )
    logout_lease: timedelta = Field(
        timedelta(seconds=30),
        gt=timedelta(seconds=5),
        description="How long one worker keeps a message to itself.",
    )
    logout_kept: timedelta = Field(
        timedelta(days=7), gt=timedelta(0), description="How long receipts of sign-out messages are kept."
    )
    device_code_lifetime: timedelta = Field(
        timedelta(minutes=10),
        gt=timedelta(0),
        le=timedelta(minutes=10),
        description="How long the code on a device's screen waits for the person (RFC 8628).",
    )
    ciba_lifetime: timedelta = Field(
        timedelta(minutes=5),
        gt=timedelta(0),
        le=timedelta(minutes=10),
        description="How long a request to the person's own device waits, unless the app asks for less or more.",
    )
    ciba_longest_lifetime: timedelta = Field(
        timedelta(minutes=10),
        gt=timedelta(0),
        le=timedelta(minutes=30),
        description="The most an app may ask for with requested_expiry; more is cut to this.",
    )
    polling_interval: timedelta = Field(
        timedelta(seconds=5),
        ge=timedelta(seconds=1),
        le=timedelta(seconds=60),
        description="Pause between two polls of one request; each poll that comes earlier makes it five seconds longer.",
    )
    user_code_attempts: int = Field(
        5, ge=1, le=10, description="Codes of device screens that one account may enter in one window."
    )
    user_code_network_attempts: int = Field(
        60, ge=1, description="The same for one network address, where many people may sit."
    )
    user_code_window: timedelta = Field(
        timedelta(minutes=10), gt=timedelta(0), description="The window of both limits of user codes."
    )
    ciba_requests_per_person: int = Field(
        3, ge=1, le=20, description="Requests that may be addressed to one person in one window."
    )
    ciba_request_window: timedelta = Field(
        timedelta(minutes=10), gt=timedelta(0), description="The window of `ciba_requests_per_person`."
    )
    ping_timeout: timedelta = Field(
        timedelta(seconds=5),
        gt=timedelta(0),
        le=timedelta(seconds=5),
        description="Deadline of one CIBA notification.",
    )
    ping_attempts: int = Field(
        6, ge=1, le=20, description="CIBA notifications are tried so often, then kept as dead; the app may poll."
    )
    ping_first_retry: timedelta = Field(
        timedelta(seconds=2),
        gt=timedelta(0),
        description="Pause before the second try of a notification; it doubles each time.",
    )
    ping_lease: timedelta = Field(
        timedelta(seconds=30),
        gt=timedelta(seconds=5),
        description="How long one worker keeps a notification to itself.",
    )

    @model_validator(mode="after")
    def check_client_keys(self) -> Self:
        """Refuse a set that would die before it is asked for again."""
        if self.client_keys_stale < self.client_keys_fresh:
            raise ValueError("client_keys_stale: not less than client_keys_fresh")
        return self
