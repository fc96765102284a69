"""Every setting of the product, in one place.

A setting comes from an environment variable `RENZHENG_<NAME>` (nested: `RENZHENG_SIGNIN__OTP_LIFETIME`), or from the dotenv file
that `RENZHENG_ENV_FILE` names; the environment wins. Unknown names are errors, so that a misspelt limit cannot silently be the
default. `docs/settings.md` is generated from here.
"""

import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from adapters.settings import AdapterSettings
from certs_catalog.limits import LookupLimits
from gateway.key_lives import KeyLives
from gateway.pages.site import SiteIdentity
from gateway.security.limits import RequestSizes
from idp.provider.limits import ProviderLimits
from idp.signin.limits import SignInLimits

PREFIX = "RENZHENG_"
DELIMITER = "__"
ENV_FILE = "RENZHENG_ENV_FILE"
# Read by the process, not by `Settings`.
_OTHER_NAMES = frozenset({ENV_FILE, "RENZHENG_TEST_NOTHING_LEFT_OUT"})


class Settings(BaseSettings):
    """The effective configuration of one process; immutable once read."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    issuer: str = Field(
        "http://127.0.0.1:8000",
        description="Public address of the product and OpenID issuer; https except on a loopback address.",
        pattern=r"^https?://[^/?#\s]+$",
    )
    database_url: str = Field(
        "sqlite+aiosqlite:///renzheng.db",
        description="SQLAlchemy address of the database: sqlite+aiosqlite or postgresql+asyncpg.",
        json_schema_extra={"secret": True},
    )
    database_pool: int = Field(10, ge=1, le=200, description="Database connections kept by each worker.")
    redis_url: SecretStr | None = Field(
        None,
        description="Redis address for expiring keys and counters; without it they live in memory, for one worker only.",
    )
    sealing_keys: tuple[SecretStr, ...] = Field(
        (), description="Keys that seal personal data, `id:A256GCM|SM4GCM:base64`; the first seals, all open."
    )
    blind_index_key: SecretStr = Field(
        SecretStr(""), description="At least 32 octets in base64: by it sealed numbers are found. It can never change."
    )
    subject_keys: SecretStr = Field(
        SecretStr(""),
        description="Versioned keys `1:base64` from which pairwise subjects are derived. Version 1 can never change.",
    )
    ledger_name: str = Field(
        "renzheng.example/ledger",
        description="Origin of the ledger's checkpoints; never changes.",
        pattern=r"^[^\s+]+$",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    workers: int = Field(1, ge=1, le=64, description="Worker processes; more than one needs PostgreSQL and Redis.")
    trusted_proxies: tuple[str, ...] = Field(
        (),
        description="Addresses of reverse proxies whose X-Forwarded-For is believed, its right-most hop only; "
        "`unix` is whoever reaches the Unix socket.",
    )
    client_certificate_header: str = Field(
        "",
        pattern=r"^[A-Za-z0-9-]*$",
        description="Header in which a trusted proxy passes on the client's certificate as URL-encoded PEM (nginx "
        "`$ssl_client_escaped_cert`), written on every request; empty believes none.",
    )
    client_certificate_verdict_header: str = Field(
        "",
        pattern=r"^[A-Za-z0-9-]*$",
        description="Header in which that proxy says `SUCCESS` when the certificate's chain is trusted (nginx "
        "`$ssl_client_verify`); without it no `tls_client_auth` succeeds.",
    )
    client_certificate_origin: str | None = Field(
        None,
        pattern=r"^https://[^/?#\s]+$",
        description="Another origin at which the proxy asks for client certificates, so that browsers are never asked for one; "
        "announced as `mtls_endpoint_aliases`.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Further Host header values accepted beside the issuer's, for example behind an internal name."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe event that is logged."
    )
    log_format: Literal["json", "console"] = Field(
        "json", description="One JSON object a line, or text for a terminal."
    )
    request_deadline_s: float = Field(
        15.0, gt=0, le=60, description="A request that takes longer is answered with 503."
    )
    request_sizes: RequestSizes = Field(default_factory=RequestSizes, description="How large a request may be.")
    key_lives: KeyLives = Field(default_factory=KeyLives, description="The lives of signing keys.")
    page_requests_per_window: int = Field(
        300,
        ge=0,
        description="Pages that one address may ask for in one window without being signed in; 0 is no limit.",
    )
    page_request_window: timedelta = Field(
        timedelta(minutes=5), gt=timedelta(0), description="The window of `page_requests_per_window`."
    )
    site: SiteIdentity = Field(default_factory=SiteIdentity, description="Names, numbers and footer of the pages.")
    signin: SignInLimits = Field(default_factory=SignInLimits, description="Sign-in and registration.")
    provider: ProviderLimits = Field(default_factory=ProviderLimits, description="The OpenID provider.")
    lookup: LookupLimits = Field(default_factory=LookupLimits, description="License lookups.")
    adapters: AdapterSettings = Field(default_factory=AdapterSettings, description="Outside systems.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the dotenv file."""
        return init_settings, env_settings, dotenv_settings

    @model_validator(mode="after")
    def check_transport(self) -> Self:
        """Refuse a public issuer without TLS: cookies, codes and tokens would travel in clear."""
        if self.issuer.startswith("http://") and not is_loopback(self.issuer):
            raise ValueError("issuer: http is accepted on a loopback address only")
        return self

    @model_validator(mode="after")
    def check_workers(self) -> Self:
        """Refuse several workers on stores that only one process can see."""
        if self.workers > 1 and (self.redis_url is None or self.database_url.startswith("sqlite")):
            raise ValueError("workers: more than one worker needs PostgreSQL (database_url) and Redis (redis_url)")
        return self


def load_settings(env_file: Path | None = None, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Read the settings; raises pydantic's ValidationError (never echoing values) or UnknownSetting."""
    surroundings = os.environ if environ is None else environ
    file = env_file or (Path(surroundings[ENV_FILE]) if surroundings.get(ENV_FILE) else None)
    if file is not None and not file.is_file():
        raise UnknownSetting(f"{ENV_FILE}: there is no file {file}")
    unknown = [
        name for name in surroundings if name.startswith(PREFIX) and name not in _OTHER_NAMES and not _is_known(name)
    ]
    if unknown:
        raise UnknownSetting(f"unknown settings: {', '.join(sorted(unknown))}")
    return Settings(_env_file=file, **overrides)


class UnknownSetting(ValueError):
    """A RENZHENG_ variable that no setting reads."""


def is_loopback(address: str) -> bool:
    """Tell whether an http(s) address names this machine itself."""
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def setting_names(model: type[BaseModel] = Settings, prefix: str = PREFIX) -> Iterator[tuple[str, Any]]:
    """Yield (variable name, pydantic FieldInfo) of every leaf setting, in order of declaration."""
    for name, info in model.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from setting_names(kind, f"{prefix}{name.upper()}{DELIMITER}")
        else:
            yield f"{prefix}{name.upper()}", info


def _is_known(variable: str) -> bool:
    return any(variable == name or variable.startswith(name + DELIMITER) for name in _KNOWN) or variable in _SECTIONS


_KNOWN = [name for name, _ in setting_names()]
_SECTIONS = {
    f"{PREFIX}{name.upper()}"
    for name, info in Settings.model_fields.items()
    if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)
}
