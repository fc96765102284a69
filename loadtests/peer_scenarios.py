"""What of the scenarios the peer can do too: each is prepared and begun as its namesake of `scenarios.py`."""

from collections.abc import Awaitable, Callable, Mapping

from loadtests.calls import Conversation
from loadtests.measure import Operation
from loadtests.peer import Peer
from loadtests.populate import CITIZENS
from loadtests.scenarios import TOKENS, hold_all


async def _client_credentials(peer: Peer) -> Operation:
    return lambda _slot, _number: peer.ask_for_token()


async def _introspection(peer: Peer) -> Operation:
    tokens: list[str] = []
    await hold_all((peer.ask_for_token("opaque", tokens) for _ in range(TOKENS)), peer.target)

    def begin(_slot: int, number: int) -> Conversation:
        return peer.introspect(tokens[number % TOKENS])

    return begin


async def _sign_in_round(peer: Peer) -> Operation:
    """Everybody signs in once before, so that their consent is remembered."""
    await hold_all((peer.sign_in_round(f"citizen-{place}") for place in range(CITIZENS)), peer.target)
    return lambda slot, _number: peer.sign_in_round(f"citizen-{slot % CITIZENS}")


PEER_SCENARIOS: Mapping[str, Callable[[Peer], Awaitable[Operation]]] = {
    "client_credentials": _client_credentials,
    "introspection": _introspection,
    "sign_in_round": _sign_in_round,
}
"""By the names of the operations, in the order in which they are measured."""
