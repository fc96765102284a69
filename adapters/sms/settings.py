"""How text messages leave the house."""

from pydantic import BaseModel, ConfigDict, Field

from adapters.api_calls import ApiSettings


class SmsSettings(BaseModel):
    """The SMS gateway; without one, messages are written to the console."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gateway: ApiSettings | None = Field(
        default=None,
        description="The SMS gateway; left out, messages go to the console (never in production).",
    )
    signature: str = Field(default="青榆政务", description="签名 that opens every message, in 【】.")
