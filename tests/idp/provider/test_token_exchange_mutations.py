"""Area G at token exchange: every way of bending a JWT, as the subject's token and as the actor's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from idp.provider.clients.policies import TOKEN_EXCHANGE
from tests.idp.provider.officers import ACCESS_TOKEN, BACKEND, COUNTER, COUNTER_API, open_office
from tests.idp.provider.test_token_mutations import MUTATIONS
from tests.idp.provider.world import LICENSES, Browser, World


@dataclass(frozen=True)
class Held:
    """Sound tokens: the officer's at the counter with its ID token, and the backend's own."""

    world: World
    subject: str
    id_token: str
    own: str

    async def exchange(self, **changes: str) -> httpx2.Response:
        """Exchange as the backend does."""
        form: dict[str, Any] = {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": self.subject,
            "subject_token_type": ACCESS_TOKEN,
            "resource": LICENSES,
            **changes,
        }
        return await self.world.token("gzf-backend", **form)


@pytest.fixture(scope="module")
async def held(shared_world: World) -> Held:
    """An officer at work in the shared world."""
    for registration in (COUNTER, BACKEND):
        await shared_world.add_client(registration)
    browser = Browser(shared_world)
    await open_office(shared_world, browser, await shared_world.add_person())
    tokens = await browser.tokens_for(
        "gzf-counter", redirect_uri="https://gzf.test/cb", scope="openid license.lookup", resource=COUNTER_API
    )
    own = await shared_world.token("gzf-backend", grant_type="client_credentials", resource=LICENSES)
    return Held(shared_world, tokens["access_token"], tokens["id_token"], own.json()["access_token"])


@pytest.mark.parametrize("mutate", MUTATIONS.values(), ids=MUTATIONS.keys())
async def test_bent_tokens_are_not_exchanged(held: Held, mutate: Callable[[str], str]) -> None:
    """RFC 8725 and RFC 8693 §2.2.2: `invalid_request`, and no token."""
    actor = {"actor_token": mutate(held.own) or "empty", "actor_token_type": ACCESS_TOKEN}
    for refused in (await held.exchange(subject_token=mutate(held.subject)), await held.exchange(**actor)):
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_an_id_token_is_no_access_token(held: Held) -> None:
    """Type confusion: the right signature over the wrong kind."""
    assert (await held.exchange(subject_token=held.id_token)).json()["error_code"] == "21151"


async def test_sound_tokens_are_still_exchanged(held: Held) -> None:
    """Positive control: after all that, the tokens are what they were."""
    assert (await held.exchange(actor_token=held.own, actor_token_type=ACCESS_TOKEN)).status_code == 200
