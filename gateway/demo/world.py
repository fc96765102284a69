"""The simulators' world at the addresses of one demo, and the settings by which the product finds them."""

import dataclasses

from adapters.settings import AdapterSettings
from adapters.simulators.world import demo_settings, demo_world
from adapters.simulators.world_entries import World
from gateway.demo.places import NEIGHBOURS, Places

APP_PLACES = {"gzf": "housing-app", "qyfw": "business-app"}
"""Which neighbour each sample client is, by client_id."""


def world_at(places: Places) -> World:
    """Return the world in which the product is at the issuer and the sample apps are above the base port."""
    world = demo_world(issuer=places.issuer)
    moved = {
        client_id: app.model_copy(update={"base_url": places.url_of(APP_PLACES[client_id])})
        for client_id, app in world.service_apps.items()
    }
    return dataclasses.replace(world, service_apps=moved)


def adapters_at(places: Places) -> AdapterSettings:
    """Return adapter settings that lead to the simulators above the base port."""
    addresses = {name: places.url_of(name) for name in NEIGHBOURS if name not in APP_PLACES.values()}
    return demo_settings(world_at(places), addresses=addresses)
