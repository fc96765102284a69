"""Who looked: pages, filters and counts of the holder, and the officer's own history."""

from dataclasses import replace
from datetime import timedelta

from certs_catalog.accesses.history import (
    AccessFilter,
    access_choices,
    count_by_month,
    count_officer_accesses_today,
    list_accesses,
    list_officer_accesses,
)
from tests.certs_catalog.world import APPLICATION, CLERK, CONSTRUCTOR, DRIVER, LI, TITLE, ZHANG, World, open_world
from tests.servers import Stack


async def busy_world(world: World) -> None:
    """Two months of uses: three of the title, one of a library type, one refused, one by an application."""
    for _ in range(2):
        await world.answered()
    await world.pass_time(timedelta(days=15).total_seconds())
    await world.answered()
    await world.answered(license_types=[DRIVER], fields=["holder_name"])
    await world.refused(license_types=[CONSTRUCTOR], fields=["holder_name"], grade="full")
    await world.answered(APPLICATION)


async def test_pages_neither_repeat_nor_hide(stack: Stack) -> None:
    """A new access between two pages does not shift what follows."""
    async with open_world(stack) as world:
        await busy_world(world)
        holder = world.ref(ZHANG)
        first = await list_accesses(holder, room=world.room, size=2)
        await world.answered()
        second = await list_accesses(holder, room=world.room, size=2, cursor=first.next_cursor)
        third = await list_accesses(holder, room=world.room, size=2, cursor=second.next_cursor)
        seen = [access.access_id for page in (first, second, third) for access in page.items]
        assert len(seen) == len(set(seen)) == 6
        assert third.next_cursor is None
        assert first.items[0].at >= third.items[-1].at


async def test_filters_and_counts_agree(stack: Stack) -> None:
    """Month, type, department and outcome; totals beside matches."""
    async with open_world(stack) as world:
        await busy_world(world)
        holder = world.ref(ZHANG)
        june = await list_accesses(holder, room=world.room, choice=AccessFilter(month="2026-06"))
        assert (june.total, june.matching, len(june.items)) == (6, 4, 4)
        titles = await list_accesses(holder, room=world.room, choice=AccessFilter(type_code=TITLE))
        assert titles.matching == 4
        refused = await list_accesses(holder, room=world.room, choice=AccessFilter(outcome="refused"))
        assert [access.reason_zh for access in refused.items] == ["查询级别超出授权"]
        months = await count_by_month(holder, room=world.room, now=world.now, months=3)
        assert [(month.month, month.total, month.at_desk) for month in months] == [
            ("2026-04", 0, 0),
            ("2026-05", 2, 2),
            ("2026-06", 4, 3),
        ]
        choices = await access_choices(holder, room=world.room)
        assert choices.months == ("2026-06", "2026-05")
        assert {code for code, _, _ in choices.types} == {TITLE, DRIVER, CONSTRUCTOR}
        assert [name for _, name, _ in choices.departments] == ["青榆区住房和城乡建设局"]


async def test_a_cursor_that_was_tampered_with_reads_as_the_first_page(stack: Stack) -> None:
    """No error, no other holder's rows."""
    async with open_world(stack) as world:
        await busy_world(world)
        holder = world.ref(ZHANG)
        first = await list_accesses(holder, room=world.room)
        for cursor in ("", "x", "１-" + "0" * 32, "9' OR 1=1", "-1-" + "0" * 32):
            assert (await list_accesses(holder, room=world.room, cursor=cursor)).items == first.items


async def test_nobody_sees_an_access_of_somebody_else(stack: Stack) -> None:
    """E01 on the access list."""
    async with open_world(stack) as world:
        await world.answered()
        assert len((await list_accesses(world.ref(ZHANG), room=world.room)).items) == 1
        assert (await list_accesses(world.ref(LI), room=world.room)).items == []


async def test_the_officer_has_a_history_of_one_row_a_lookup(stack: Stack) -> None:
    """Two types in one lookup are two rows for the holder and one for the officer; other officers' are not shown."""
    async with open_world(stack) as world:
        await world.answered(license_types=[TITLE, DRIVER], fields=["holder_name"])
        await world.answered(replace(CLERK, officer_id="b" * 32))
        assert (await list_accesses(world.ref(ZHANG), room=world.room)).total == 3
        history = await list_officer_accesses(CLERK.officer_id, room=world.room)
        assert (history.total, len(history.items)) == (1, 1)
        assert await count_officer_accesses_today(CLERK.officer_id, room=world.room, now=world.now) == 1
        tomorrow = world.now + timedelta(days=1)
        assert await count_officer_accesses_today(CLERK.officer_id, room=world.room, now=tomorrow) == 0
