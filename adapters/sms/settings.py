"""How text messages leave the house."""

from pydantic import BaseModel, ConfigDict, Field

from adapters.api_calls import ApiSettings


class SmsSettings(BaseModel):
    """The SMS gateway; without one no message is sent, unless `sms_console` says that a terminal will do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gateway: ApiSettings | None = Field(
        default=None,
        description="The SMS gateway; left out, no message is sent unless `sms_console` is on.",
    )
    signature: str = Field(default="青榆政务", description="签名 that opens every message, in 【】.")
