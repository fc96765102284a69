"""What each operation has to reach, as data; a figure is judged against its row and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.table import Row


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds of one operation: throughput as a multiple of the floor's, milliseconds, and MB of 10**6 octets."""

    ratio_at_least: float | None = None
    ratio_to_peer_at_least: float | None = None
    """As a multiple of the same operation's throughput on the peer of the same run, when it was measured."""
    p50_ms_at_most: float | None = None
    p99_ms_at_most: float | None = None
    rss_mb_at_most: float | None = None


BUDGETS: dict[str, Budget] = {
    "client_credentials": Budget(ratio_at_least=1.3, ratio_to_peer_at_least=1.0),
    "dpop_token": Budget(ratio_at_least=0.5),
    "introspection": Budget(ratio_at_least=1.5, ratio_to_peer_at_least=1.0),
    "lookup_masked": Budget(ratio_at_least=0.8, p99_ms_at_most=60.0),
    "sso_round": Budget(ratio_at_least=0.2),
    "refresh": Budget(ratio_at_least=0.4),
    "par_round": Budget(ratio_at_least=0.1),
    "sign_in_round": Budget(ratio_to_peer_at_least=1.0),
    "cold_start": Budget(p50_ms_at_most=2_000.0),
    "after_load": Budget(rss_mb_at_most=180.0),
}

PRODUCT = "renzheng"


def missed_budgets(rows: Sequence[Row]) -> list[str]:
    """Return one sentence for each bound that a row of the product misses, in the order of the rows."""
    sentences = []
    peers = _peers_of(rows)
    for row in rows:
        budget = BUDGETS.get(row.operation)
        if budget is None or row.stack != PRODUCT:
            continue
        ratio, wanted = row.ratio_to_floor, budget.ratio_at_least
        if wanted is not None and ratio is not None and ratio < wanted:
            sentences.append(f"{row.operation}: {ratio} of the floor, budget {wanted}")
        peer, wanted = peers.get(row.operation), budget.ratio_to_peer_at_least
        if wanted is not None and peer and row.requests_per_s < wanted * peer.requests_per_s:
            ratio = row.requests_per_s / peer.requests_per_s
            sentences.append(f"{row.operation}: {ratio:.2f} of the peer, budget {wanted}")
        for name, value, bound in (
            ("p50_ms", row.p50_ms, budget.p50_ms_at_most),
            ("p99_ms", row.p99_ms, budget.p99_ms_at_most),
            ("rss_mb", row.rss_mb, budget.rss_mb_at_most),
        ):
            if bound is not None and value > bound:
                sentences.append(f"{row.operation}: {name} {value}, budget {bound}")
    return sentences


def compare_with_peers(rows: Sequence[Row]) -> list[str]:
    """Return one sentence for each row of the product whose operation another server of the same run did too."""
    peers = _peers_of(rows)
    return [
        f"{row.operation}: {row.requests_per_s / peer.requests_per_s:.2f} of {peer.stack}"
        for row in rows
        if row.stack == PRODUCT and (peer := peers.get(row.operation)) and peer.requests_per_s
    ]


def _peers_of(rows: Sequence[Row]) -> dict[str, Row]:
    return {row.operation: row for row in rows if row.stack != PRODUCT}
