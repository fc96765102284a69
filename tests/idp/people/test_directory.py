"""Departments and officers in memory, fresh after every change."""

from typing import Any

import pytest

from foundation.changes import ChangeFeed
from foundation.identifiers import InvalidIdentifier
from foundation.identifiers.synthetic import synthetic_social_credit_code
from idp.people.departments import add_department, add_officer
from idp.people.directory import Directory
from idp.people.errors import RecordConflict, UnknownRecord
from idp.signin.enrolment import UnsuitableEnrolment, end_officer, enrol_person
from tests.idp.signin.acts import enrol_officer
from tests.idp.stage import PASSWORD, WANG, Stage, visit

pytestmark = pytest.mark.anyio
USCC = synthetic_social_credit_code("370299", 31, registration="11")


async def test_the_directory_answers_from_memory_and_hears_changes(stage: Stage) -> None:
    """A department added or an officer who left is seen by the next question."""
    directory = stage.entrance.directory
    assert await directory.all_departments() == ()
    account, officer = await enrol_officer(stage)
    housing = await directory.find_department_by_slug("housing")
    assert housing is not None
    assert await directory.find_department(housing.department_id) is housing
    assert await directory.officers_of(account.person_id) == (officer,)
    assert (officer.label_zh, officer.label_en) == ("QY-0007 窗口工作人员", "QY-0007 Window clerk")
    market = await add_department(
        "market", "青榆区市场监督管理局", "Qingyu Market Bureau", USCC, actor="system:test", **stage.parts
    )
    assert await directory.find_department_by_slug("market") == market
    await end_officer(officer.officer_id, actor="system:test", visit=visit(), **stage.tools)
    assert await directory.officers_of(account.person_id) == ()
    left = await directory.find_officer(officer.officer_id)
    assert left is not None
    assert not left.is_active
    assert await directory.find_officer_by_work_number(housing.department_id, "QY-0007") == left


async def test_another_worker_hears_of_it_through_the_feed(stage: Stage) -> None:
    """A second worker's directory re-reads once its feed has caught up."""
    feed = ChangeFeed(stage.entrance.db, lambda: stage.now)
    directory = Directory.open(stage.entrance.db, feed)
    assert await directory.all_departments() == ()
    await enrol_officer(stage)
    assert await directory.all_departments() == ()
    await feed.catch_up()
    assert [department.slug for department in await directory.all_departments()] == ["housing"]


async def test_what_must_be_unique_is_refused_whole(stage: Stage) -> None:
    """A taken slug, USCC or work number, an unknown person, a USCC that does not check: nothing is written."""
    account, officer = await enrol_officer(stage)
    entries = len(await stage.entries())
    with pytest.raises(RecordConflict):
        await add_department("housing", "又一个", "Another", USCC, actor="system:test", **stage.parts)
    with pytest.raises(InvalidIdentifier):
        await add_department("other", "又一个", "Another", USCC[:-1] + "I", actor="system:test", **stage.parts)
    post: dict[str, Any] = {"post_zh": "窗口", "post_en": "Clerk", "roles": ["clerk"], "actor": "system:test"}
    for person_id, work_number in ((account.person_id, "QY-0007"), ("0" * 32, "QY-0008")):
        with pytest.raises(RecordConflict):
            await add_officer(person_id, officer.department_id, work_number, **post, **stage.parts)
    with pytest.raises(UnknownRecord):
        await end_officer("0" * 32, actor="system:test", visit=visit(), **stage.tools)
    assert len(await stage.entries()) == entries


async def test_enrolling_twice_gives_the_same_account(stage: Stage) -> None:
    """A seed may run again."""
    first, _ = await enrol_officer(stage)
    again = await enrol_person("王守正", WANG, source="personnel", visit=visit(), **stage.tools)
    assert again.account_id == first.account_id


@pytest.mark.parametrize(
    ("user_name", "password"), [("ab", PASSWORD), ("wangshouzheng", "12345678"), ("wangshouzheng", "wangshouzheng1")]
)
async def test_operators_keep_the_policy_too(stage: Stage, user_name: str, password: str) -> None:
    """No account starts with a weak password or an odd name (A28)."""
    with pytest.raises(UnsuitableEnrolment):
        await enrol_person(
            "王守正", WANG, user_name=user_name, password=password, source="x", visit=visit(), **stage.tools
        )
