"""What operators and auditors read: liveness, readiness, metrics, and the ledger's checkpoint and tiles."""

import os
import re

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess
from prometheus_client import REGISTRY as PROCESS_REGISTRY
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from foundation.ledger.store import find_latest_checkpoint, load_tiles
from foundation.ledger.tiles import HASH_OCTETS, TILE_WIDTH
from foundation.problems import RenzhengError
from gateway.requests import parts_of

# A tree of 2^62 entries has tiles of the levels 0 to 7, and 18 digits are enough for the largest index: both fit their columns.
_LEVEL = re.compile(r"[0-9]|[1-5][0-9]|6[0-3]", re.ASCII)
_TILE_INDEX = re.compile(r"(?:x[0-9]{3}/){0,5}[0-9]{3}", re.ASCII)


def operation_routes() -> list[BaseRoute]:
    """Return the routes of this module."""
    return [
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/ledger/checkpoint", ledger_checkpoint),
        Route("/ledger/tile/{level:str}/{index:path}", ledger_tile),
    ]


async def livez(_request: Request) -> Response:
    """Say that the process answers; it asks nobody else."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Say whether this worker can serve: database, expiring store and change feed answer; 503 with Retry-After otherwise."""
    parts = parts_of(request)
    checks: dict[str, str] = {}
    for name, check in (("database", parts.db.ping), ("expiring_store", parts.store.ping)):
        try:
            await check()
            checks[name] = "ok"
        except RenzhengError as failure:
            checks[name] = failure.code
    try:
        parts.feed.check_fresh(parts.clock())
        checks["change_feed"] = "ok"
    except RenzhengError as failure:
        checks["change_feed"] = failure.code
    ready = all(state == "ok" for state in checks.values())
    return JSONResponse(
        {"ready": ready, "checks": checks}, 200 if ready else 503, {} if ready else {"Retry-After": "2"}
    )


async def metrics(_request: Request) -> Response:
    """Render the metrics of all workers of this node in the Prometheus text format."""
    registry = PROCESS_REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the package leaves it untyped
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


async def ledger_checkpoint(request: Request) -> Response:
    """Return the latest signed tree head (C2SP tlog-checkpoint); 404 before the first."""
    async with parts_of(request).db.read() as connection:
        checkpoint = await find_latest_checkpoint(connection)
    if checkpoint is None:
        raise HTTPException(404)
    return PlainTextResponse(checkpoint.note)


async def ledger_tile(request: Request) -> Response:
    """Return a tile of hashes (C2SP tlog-tiles: /tile/<level>/<index>[.p/<width>]); full tiles never change."""
    level, index, width = _parse_tile(request.path_params["level"], request.path_params["index"])
    async with parts_of(request).db.read() as connection:
        tile = (await load_tiles(connection, [(level, index)])).get((level, index), b"")
    if len(tile) < width * HASH_OCTETS:
        raise HTTPException(404)
    # A partial tile is a prefix of the full one, so that too never changes.
    return Response(
        tile[: width * HASH_OCTETS],
        media_type="application/octet-stream",
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )


def _parse_tile(level: str, text: str) -> tuple[int, int, int]:
    """Return (level, index, width) of a tile path such as `0` and `x001/x234/067.p/8`; raises 404 for anything else."""
    path, partial, width = text.partition(".p/")
    if (
        not _LEVEL.fullmatch(level)
        or not _TILE_INDEX.fullmatch(path)
        or (partial and not re.fullmatch(r"[1-9][0-9]{0,2}", width, re.ASCII))
    ):
        raise HTTPException(404)
    count = int(width) if partial else TILE_WIDTH
    if count > TILE_WIDTH:
        raise HTTPException(404)
    return int(level), int(path.replace("x", "").replace("/", "")), count
