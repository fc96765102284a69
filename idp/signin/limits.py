"""How long things of the sign-in live and how often they may be tried; the defaults are the product's policy.

Sources of the numbers: NIST SP 800-63B-4, OWASP ASVS 5, login.gov; where those are silent the number is our own.
"""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field


class SignInLimits(BaseModel):
    """Settings of sign-in, sessions and throttling (section `signin`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    citizen_idle: timedelta = Field(
        timedelta(minutes=15), description="A citizen's session ends after this much idleness."
    )
    citizen_absolute: timedelta = Field(
        timedelta(hours=12), description="A citizen's session ends this long after sign-in."
    )
    staff_idle: timedelta = Field(
        timedelta(minutes=15), description="An officer's session ends after this much idleness."
    )
    staff_absolute: timedelta = Field(
        timedelta(hours=8), description="An officer's session ends this long after sign-in."
    )
    touch_interval: timedelta = Field(
        timedelta(minutes=1), description="How often the last use of a session is written at most."
    )
    fresh_for: timedelta = Field(
        timedelta(seconds=120), description="How long after a sign-in sensitive actions need no new one."
    )
    token_reach: timedelta = Field(
        timedelta(minutes=15),
        description="How long after a session's end one of its access tokens could still be presented.",
    )
    flow_lifetime: timedelta = Field(
        timedelta(minutes=15), description="How long a half-finished sign-in or registration is kept."
    )

    password_window_failures: int = Field(5, ge=1, description="Wrong passwords within the window before a pause.")
    password_window: timedelta = Field(
        timedelta(seconds=60), description="The window in which wrong passwords are counted."
    )
    password_first_pause: timedelta = Field(timedelta(seconds=60), description="The pause after the window is full.")
    password_next_pause: timedelta = Field(
        timedelta(seconds=30), description="The pause after the next failure; it doubles with each further one."
    )
    password_longest_pause: timedelta = Field(timedelta(hours=1), description="The longest pause between two attempts.")
    password_lock_failures: int = Field(
        10, ge=2, description="Consecutive failures that lock account and network for longer."
    )
    password_lock: timedelta = Field(
        timedelta(minutes=10), description="The lock after that many consecutive failures."
    )
    password_hard_stop: int = Field(
        80, ge=10, le=100, description="Consecutive failures of one account, from all networks, that stop its password."
    )
    known_device_hard_stop: int = Field(
        20,
        ge=5,
        le=100,
        description="The same for attempts from a device that signed in before; both sum up to at most 100.",
    )
    failure_memory: timedelta = Field(
        timedelta(hours=24), description="Consecutive failures of one network are forgotten after this much quiet."
    )
    network_attempts: int = Field(
        300, ge=0, description="Sign-in attempts per network and window; 0 switches the limit off."
    )
    network_window: timedelta = Field(timedelta(minutes=5), description="The window of the limit per network.")

    hashing_threads: int = Field(2, ge=1, le=64, description="Passwords hashed at the same time in one worker.")
    hashing_queue: int = Field(
        64, ge=1, description="Password checks that may wait in one worker before 503 is answered."
    )
    argon2_memory_kib: int = Field(19_456, ge=8_192, description="Argon2id memory in KiB (OWASP: 19 MiB).")
    argon2_iterations: int = Field(2, ge=1, description="Argon2id passes over the memory.")
    argon2_lanes: int = Field(1, ge=1, description="Argon2id lanes.")
    password_shortest: int = Field(8, ge=8, description="The fewest characters of a password.")
    password_longest: int = Field(1_024, ge=64, description="The most characters of a password.")

    codes_enabled: bool = Field(True, description="Whether text message codes are sent at all: the kill switch.")
    code_lifetime: timedelta = Field(
        timedelta(minutes=5), le=timedelta(minutes=10), description="How long a code is valid."
    )
    code_tries: int = Field(5, ge=1, description="Tries of one code.")
    code_tries_per_phone: int = Field(10, ge=1, description="Tries of all codes of one phone within the window.")
    code_tries_window: timedelta = Field(timedelta(minutes=10), description="The window of the tries per phone.")
    send_cooldown: timedelta = Field(timedelta(seconds=60), description="The pause between two codes to one phone.")
    sends_per_hour: int = Field(5, ge=1, description="Codes to one phone within an hour.")
    sends_per_day: int = Field(10, ge=1, description="Codes to one phone within a day.")
    sends_per_network: int = Field(25, ge=1, description="Codes requested from one network within five minutes.")
    sends_per_prefix: int = Field(
        100, ge=1, description="Codes to numbers with the same first seven digits within a minute."
    )
    sends_per_day_in_total: int = Field(50_000, ge=1, description="Codes sent within a day to everybody: the budget.")
    blocked_phone_prefixes: tuple[str, ...] = Field(
        (), description="Phone numbers with these first digits get no codes."
    )
    phone_trusted_for: timedelta = Field(
        timedelta(days=60),
        description="A phone that confirmed no code for longer needs the document number too: operators reissue numbers.",
    )
    sms_signature: str = Field("青榆区实名认证", description="The name in brackets at the beginning of every message.")

    totp_tries: int = Field(10, ge=1, description="One-time passwords tried for one account within the window.")
    totp_window: timedelta = Field(timedelta(minutes=10), description="The window of those tries.")
    totp_issuer: str = Field("青榆区实名认证", description="The name shown in authenticator apps.")

    proofing_tries: int = Field(5, ge=1, description="Identity checks per person and per network within the window.")
    proofing_window: timedelta = Field(timedelta(hours=6), description="The window of identity checks.")
    recovery_tries: int = Field(5, ge=1, description="Password recoveries per account within ten minutes.")
    recovery_tries_longer: int = Field(15, ge=1, description="Password recoveries per account within thirty minutes.")
    center_link_level: int = Field(
        2,
        ge=1,
        le=3,
        description="The real-name level from which an upper center's identity enters an existing account.",
    )
