"""Where text messages go when no gateway is set: they carry one-time codes, so not into the log of an installation."""

import pytest

from adapters.settings import AdapterSettings
from gateway.composition import console_outbox
from gateway.settings import Settings


@pytest.mark.parametrize(
    ("issuer", "sms_console", "printed"),
    [
        ("https://id.qingyu.example", False, False),
        ("https://id.qingyu.example", True, True),
        ("http://127.0.0.1:8000", False, True),
    ],
    ids=["an installation", "the operator's word", "a demonstration on this machine"],
)
def test_messages_are_printed_only_on_request_or_on_this_machine(issuer: str, sms_console: bool, printed: bool) -> None:
    """Left alone, an installation without a gateway sends nothing and prints nothing."""
    settings = Settings(issuer=issuer, adapters=AdapterSettings(sms_console=sms_console))
    assert (console_outbox(settings) is not None) is printed
