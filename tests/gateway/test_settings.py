"""Settings: which addresses may do without TLS."""

import pytest
from pydantic import ValidationError

from gateway.settings import Settings, is_loopback


@pytest.mark.parametrize(
    "issuer", ["http://127.0.0.1:8000", "http://127.8.0.1", "http://localhost:9", "http://[::1]:8000"]
)
def test_this_machine_itself_may_do_without_tls(issuer: str) -> None:
    """A demo and a test run on loopback addresses."""
    assert is_loopback(issuer)
    assert Settings(issuer=issuer).issuer == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://localhost@example.com",
        "http://10.0.0.1",
    ],
)
def test_a_host_that_only_begins_like_this_machine_needs_tls(issuer: str) -> None:
    """Cookies, codes and tokens would travel in clear to another machine."""
    with pytest.raises(ValidationError):
        Settings(issuer=issuer)
