"""What a license library does wrong becomes a clear refusal with its own code, and harms nobody else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from certs_catalog.ports import (
    LibraryHolder,
    LibraryMalformed,
    LibraryRefused,
    LibraryTimeout,
    LibraryUnavailable,
)
from certs_catalog.vocabulary import LicenseStatus
from tests.certs_catalog.world import DRIVER, LI, NOW, TITLE, ZHANG, driver_of, open_world
from tests.servers import Stack

ASKED: dict[str, Any] = {"license_types": [DRIVER], "fields": ["holder_name", "service_kind"]}

FAILURES = [
    pytest.param(lambda: LibraryUnavailable("certshare", "refused"), "33002", 502, id="it is down"),
    pytest.param(lambda: LibraryTimeout("certshare", "slow"), "33003", 504, id="it is slow"),
    pytest.param(lambda: LibraryMalformed("certshare", "html"), "33004", 502, id="it talks nonsense"),
    pytest.param(lambda: LibraryRefused("certshare", 100, "no right"), "33005", 502, id="it refuses"),
]


@pytest.mark.parametrize(("failure", "code", "status"), FAILURES)
async def test_a_failing_library_is_told_and_recorded(
    stack: Stack, failure: Callable[[], Exception], code: str, status: int
) -> None:
    """V12: its own code, within the deadline; the own index answers on."""
    async with open_world(stack) as world:
        world.library.fails = failure
        refusal = await world.refused(**ASKED)
        assert (refusal.reason.code, refusal.reason.status) == (code, status)
        await world.answered()
        both = await world.refused(license_types=[TITLE, DRIVER], fields=["holder_name"])
        assert both.reason.code == code


async def test_a_library_beyond_the_deadline_is_cut_off(stack: Stack) -> None:
    """The hard stop is ours, whatever the client does."""
    async with open_world(stack, limits={"library_deadline_seconds": 0.05}) as world:
        world.library.takes = 5
        assert (await world.refused(**ASKED)).reason.code == "33003"


WRONG_ANSWERS = [
    pytest.param(driver_of(LI, "李晓禾"), id="somebody else's license"),
    pytest.param(replace(driver_of(ZHANG, "张知明"), type_code=TITLE), id="another type"),
    pytest.param(replace(driver_of(ZHANG, "张知明"), identifier="1.2.3"), id="a broken identifier"),
    pytest.param(
        replace(driver_of(ZHANG, "张知明"), holders=(LibraryHolder("111", "12345", "张知明"),)),
        id="a number that is none",
    ),
    pytest.param(replace(driver_of(ZHANG, "张知明"), holders=()), id="nobody's license"),
]


@pytest.mark.parametrize("answer", WRONG_ANSWERS)
async def test_an_answer_to_another_question_is_not_believed(stack: Stack, answer: object) -> None:
    """N13: a library that mixes people up must not make us do so."""
    async with open_world(stack) as world:
        world.library.licenses = [answer]  # type: ignore[list-item]  # the table holds library licenses
        world.library.believes_anything = True
        refusal = await world.refused(**ASKED)
        assert refusal.reason.code == "33004"


async def test_none_above_is_none_found(stack: Stack) -> None:
    """An empty answer is "none found", not an error."""
    async with open_world(stack) as world:
        world.library.licenses = []
        assert (await world.refused(**ASKED)).reason.code == "33001"


async def test_a_term_that_is_over_reads_expired_whatever_the_library_says(stack: Stack) -> None:
    """E14: never "valid" past its term."""
    async with open_world(stack) as world:
        answer = driver_of(ZHANG, "张知明")
        world.library.licenses = [replace(answer, face={**answer.face, "certificate_validate_end": "20260517"})]
        assert (await world.answered(**ASKED)).results[0].status == "expired"
        world.library.licenses = [replace(answer, status=LicenseStatus.REVOKED)]
        assert (await world.answered(**ASKED)).results[0].status == "revoked"


async def test_an_old_answer_is_marked_stale(stack: Stack) -> None:
    """Freshness: older than the catalogue allows, or than asked for, is told field by field."""
    async with open_world(stack) as world:
        world.library.licenses = [replace(driver_of(ZHANG, "张知明"), as_of=NOW - timedelta(seconds=61))]
        stale = await world.answered(**ASKED)
        assert {entry.quality for entry in stale.results[0].fields.values()} == {"stale"}
        assert stale.source.age_s == 61
        world.library.licenses = [driver_of(ZHANG, "张知明")]
        fresh = await world.answered(**ASKED)
        assert {entry.quality for entry in fresh.results[0].fields.values()} == {"ok"}
        asked = await world.answered(**ASKED, max_age=1)
        assert {entry.quality for entry in asked.results[0].fields.values()} == {"stale"}
