"""The other provider itself, installed and started as for the benchmark: what is measured there has to be the right answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.calls import WrongAnswer
from loadtests.measure import Plan, drive
from loadtests.peer import PEER, Peer, PeerMissing, running_peer
from loadtests.peer_scenarios import PEER_SCENARIOS
from loadtests.scenarios import hold_all
from tests.servers import leave_out

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """The running peer; it shares the cores with everybody, as nothing is timed here."""
    log: Path = tmp_path_factory.mktemp("peer") / "peer.log"
    try:
        with running_peer(cores=None, log=log) as running:
            yield running
    except PeerMissing as missing:
        leave_out(str(missing))


@pytest.mark.parametrize("name", PEER_SCENARIOS)
async def test_every_operation_is_answered_rightly(peer: Peer, name: str) -> None:
    """One wrong answer in a run would make its figure one of refusals."""
    operation = await PEER_SCENARIOS[name](peer)
    figure = await drive(name, operation, peer.target, stack=PEER, plan=Plan(4, warm_up_s=0.1, round_s=0.5, rounds=1))
    assert (figure.errors, figure.first_error) == (0, "")
    assert figure.requests_per_s > 0


async def test_a_wrong_password_opens_nothing(peer: Peer) -> None:
    """Its page checks the password, so that both sides do."""
    stranger = Peer(peer.target, "another secret")
    with pytest.raises(WrongAnswer, match="/auth: 401"):
        await hold_all([stranger.sign_in_round("somebody")], peer.target)
