"""The simulators' world at the addresses of one demo."""

import dataclasses

from adapters.simulators.world import World, demo_world
from gateway.demo.places import Places


def world_at(places: Places) -> World:
    """Return the world in which the product is at the issuer and the sample apps are above the base port."""
    world = demo_world(issuer=places.issuer)
    apps = {"gzf": "housing-app", "qyfw": "business-app"}
    moved = {
        client_id: app.model_copy(update={"base_url": places.url_of(apps[client_id])})
        for client_id, app in world.service_apps.items()
    }
    return dataclasses.replace(world, service_apps=moved)
