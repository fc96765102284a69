"""What an operator does from a process of the installation that serves nobody, so that the nodes hear of it from the change feed alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from foundation.clock import system_clock
from gateway.composition import Parts, open_parts
from gateway.settings import load_settings
from idp.signin.enrolment import enrol_person
from idp.signin.visits import Visit
from tests.faults.nodes import Town
from tests.faults.population import Citizen

ACTOR = "system:test"
VISIT = Visit(browser="tests", network="127.0.0.1")


@asynccontextmanager
async def third_process(town: Town) -> AsyncIterator[Parts]:
    """Open everything as the command line does, without background work."""
    settings = load_settings(town.settings_file, environ={})
    async with open_parts(settings, clock=system_clock, background=False) as parts:
        yield parts


async def enrol(parts: Parts, person: Citizen) -> str:
    """Give a person an account and return its id."""
    account = await enrol_person(
        person.name,
        person.document_number,
        user_name=person.user_name,
        phone=person.phone,
        password=person.password,
        source="tests",
        visit=VISIT,
        entrance=parts.entrance,
        now=parts.clock(),
    )
    return account.account_id
