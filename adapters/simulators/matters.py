"""A case system: which case is about whom, at which department, and whether it is still open."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.simulators.bearer_key import is_presented
from adapters.simulators.faults import FaultInjection, Faults
from adapters.simulators.world_admin import administration_routes
from adapters.simulators.world_entries import World


def create_app(world: World, base_url: str = "") -> Starlette:
    """Return the case server over `world.cases`; `base_url` is not used, all simulators are made alike."""
    faults = Faults()

    async def queried(request: Request) -> Response:
        if not is_presented(request, world.api_keys["matters"]):
            return JSONResponse({"error": "unauthorized"}, 401)
        try:
            number = str((await request.json())["number"])
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "malformed"}, 400)
        case = world.cases.get(number)
        if case is None:
            return JSONResponse({"case": None})
        return JSONResponse(
            {
                "case": {
                    "number": case.number,
                    "matterCode": case.matter_code,
                    "matterName": case.matter_name,
                    "matterNameEn": case.matter_name_en,
                    "departmentCode": case.department_uscc,
                    "open": case.open,
                    "holderType": case.holder_type if case.holder_number else None,
                    "holderNumber": case.holder_number,
                }
            }
        )

    async def set_open(request: Request) -> Response:
        """`POST /_cases/{number}/close` and `/reopen`, for a demonstration."""
        case = world.cases.get(request.path_params["number"])
        if case is None:
            return JSONResponse({"error": "unknown case"}, 404)
        is_open = request.path_params["act"] == "reopen"
        world.cases[case.number] = case.model_copy(update={"open": is_open})
        return JSONResponse({"number": case.number, "open": is_open})

    return Starlette(
        routes=[
            Route("/cases/query", queried, methods=["POST"]),
            Route("/_cases/{number}/{act:str}", set_open, methods=["POST"]),
            *administration_routes(world, faults),
        ],
        middleware=[Middleware(FaultInjection, faults=faults)],
    )
