"""What the modules of FAPI 2.0 check over and over."""

from typing import Any

import httpx2

from tests.conformance.high_party import HighParty
from tests.conformance.relying_party import Answer


def check_refused(answer: httpx2.Response, *errors: str) -> None:
    """A server endpoint refuses by one of these errors."""
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["error"] in errors, answer.text


def check_stopped(rp: HighParty, answer: Answer, *errors: str) -> None:
    """An authorization is refused, on the provider's own page or by an error to the client."""
    assert "code" not in answer.parameters
    if answer.mode is None:
        assert rp.op.is_error_page(answer.page), answer.page.describe()
    else:
        assert answer.error in errors, dict(answer.parameters)


def check_works(rp: HighParty, answer: Answer) -> dict[str, Any]:
    """The answer leads to tokens, and they open the protected resource."""
    tokens = rp.tokens(answer)
    assert rp.resource(tokens["access_token"]).status_code == 200
    return tokens


def learn_nonce(rp: HighParty) -> None:
    """Let the provider hand out its nonce, if it wants one, before a proof is made by hand."""
    rp.call("token_endpoint", {"grant_type": "refresh_token", "refresh_token": "unknown"})
