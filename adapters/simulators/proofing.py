"""A source that checks names against document numbers of its own small population register."""

import secrets

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
    """Return the proofing server over `world.citizens`; `base_url` is not used, all simulators are made
    alike.
    """
    faults = Faults()

    async def checked(request: Request) -> Response:
        if not is_presented(request, world.api_keys["proofing"]):
            return JSONResponse({"error": "unauthorized"}, 401)
        try:
            members = await request.json()
            asked = (str(members["documentType"]), str(members["documentNumber"]), str(members["name"]))
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "malformed"}, 400)
        citizen = world.citizens.get(asked[1])
        known = citizen is not None and citizen.document_type == asked[0]
        verdicts = {"agreed": known and citizen is not None and citizen.name == asked[2], "differs": known}
        result = next((verdict for verdict, holds in verdicts.items() if holds), "unknown")
        return JSONResponse(
            {
                "result": result,
                "reference": secrets.token_hex(8),
                "method": "name-and-number",
                "source": "population-register",
            }
        )

    return Starlette(
        routes=[Route("/checks", checked, methods=["POST"]), *administration_routes(world, faults)],
        middleware=[Middleware(FaultInjection, faults=faults)],
    )
