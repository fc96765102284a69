"""The wire of the SMS gateway, pure: `POST /messages {phone, text, template}` is answered by `{"id": …}`."""

from collections.abc import Mapping
from typing import Any


class MalformedReceipt(ValueError):
    """The gateway's answer names no message."""


def render_message(*, phone: str, text: str, template: str, signature: str) -> dict[str, str]:
    """Return the members of one message; mainland numbers are written with their country code (E.164)."""
    return {"phone": f"+86{phone}", "text": f"【{signature}】{text}", "template": template}


def parse_receipt(document: Mapping[str, Any]) -> str:
    """Return the gateway's identifier of the accepted message, or raise MalformedReceipt."""
    identifier = document.get("id")
    if not isinstance(identifier, str) or not 0 < len(identifier) <= 64:
        raise MalformedReceipt("the answer names no message")
    return identifier
