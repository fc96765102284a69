"""`/_world` of every simulator: list, put and delete the entries of its world as JSON while it runs."""

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.simulators.faults import Faults, fault_routes
from adapters.simulators.world_entries import (
    CaseRecord,
    CenterClient,
    Citizen,
    LibraryAccount,
    LicenseRecord,
    ProvincePerson,
    World,
)

_MODELS: dict[str, type[BaseModel]] = {
    "people": ProvincePerson,
    "clients": CenterClient,
    "accounts": LibraryAccount,
    "licenses": LicenseRecord,
    "cases": CaseRecord,
    "citizens": Citizen,
}


def administration_routes(world: World, faults: Faults) -> list[Route]:
    """Return `/_health`, `/_faults` and `/_world` for a simulator that works on this world."""

    def collection(request: Request) -> tuple[dict[str, BaseModel], type[BaseModel]]:
        name = request.path_params["collection"]
        if name not in _MODELS:
            raise HTTPException(404)
        return getattr(world, name), _MODELS[name]

    async def healthy(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def listed(_: Request) -> Response:
        return JSONResponse(
            {
                name: {key: entry.model_dump(mode="json") for key, entry in getattr(world, name).items()}
                for name in _MODELS
            }
        )

    async def changed(request: Request) -> Response:
        """Merge the given members into the entry, or make it; answers the entry as it is now."""
        entries, model = collection(request)
        key = request.path_params["key"]
        before = entries[key].model_dump() if key in entries else {}
        try:
            given = await request.json()
            entries[key] = model.model_validate({**before, **given})
        except (ValueError, TypeError, ValidationError) as error:
            return JSONResponse({"error": type(error).__name__, "text": str(error)}, 400)
        return JSONResponse(entries[key].model_dump(mode="json"))

    async def removed(request: Request) -> Response:
        entries, _ = collection(request)
        return Response(status_code=204 if entries.pop(request.path_params["key"], None) else 404)

    return [
        Route("/_health", healthy),
        Route("/_world", listed),
        Route("/_world/{collection}/{key}", changed, methods=["PUT"]),
        Route("/_world/{collection}/{key}", removed, methods=["DELETE"]),
        *fault_routes(faults),
    ]
