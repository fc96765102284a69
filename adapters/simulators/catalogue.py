"""Every simulator and sample app by name, so that one command can start any of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette

from adapters.simulators import certshare, matters, proofing, province_center, sms
from adapters.simulators.service_app.app import create_business_app, create_housing_app
from adapters.simulators.world_entries import World


@dataclass(frozen=True, slots=True)
class SimulatorKind:
    """How one of them is made; `create_app` takes the world and the address under which it will be
    reached.
    """

    default_port: int
    create_app: Callable[[World, str], Starlette]


SIMULATORS: Mapping[str, SimulatorKind] = {
    "province-center": SimulatorKind(8010, province_center.create_app),
    "certshare": SimulatorKind(8011, certshare.create_app),
    "sms": SimulatorKind(8012, sms.create_app),
    "proofing": SimulatorKind(8013, proofing.create_app),
    "matters": SimulatorKind(8014, matters.create_app),
    "housing-app": SimulatorKind(8001, create_housing_app),
    "business-app": SimulatorKind(8002, create_business_app),
}
