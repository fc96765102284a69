"""Prometheus metrics. Labels are route patterns, methods and status classes: never a client's text, an identifier or a person."""

from prometheus_client import Counter, Gauge, Histogram
from starlette.types import Scope

_REQUESTS = Counter("renzheng_requests", "Requests answered.", ("route", "method", "status"))
_SECONDS = Histogram(
    "renzheng_request_seconds",
    "Time to answer, in seconds.",
    ("route",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
LEDGER_ENTRIES = Gauge(
    "renzheng_ledger_checkpoint_entries", "Entries under the latest signed checkpoint.", multiprocess_mode="max"
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_counters: dict[tuple[str, str, int], Counter] = {}
_histograms: dict[str, Histogram] = {}


def observe_request(scope: Scope, status: int, seconds: float) -> None:
    """Count one answered request under its route pattern; unknown paths share one label."""
    route = getattr(scope.get("route"), "path", "unmatched")
    method = scope["method"] if scope["method"] in _METHODS else "other"
    key = (route, method, status)
    counter = _counters.get(key)
    if counter is None:
        counter = _counters[key] = _REQUESTS.labels(route, method, str(status))
    counter.inc()
    histogram = _histograms.get(route)
    if histogram is None:
        histogram = _histograms[route] = _SECONDS.labels(route)
    histogram.observe(seconds)
