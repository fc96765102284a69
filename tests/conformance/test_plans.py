"""The table of plans is whole: a module has a test, or a reason why it has none."""

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.differences import DIFFERENCES
from tests.conformance.plans import (
    NOT_APPLICABLE,
    PENDING,
    PLANS,
    function_name,
    why_not_applicable,
    why_pending,
)
from tests.conformance.results import missing_or_failed, read_results
from tests.conformance.variants import RENZHENG


def _tests() -> Iterator[str]:
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"tests.conformance.{file.stem}")
        yield from (name for name, _ in inspect.getmembers(module, inspect.isfunction) if name.startswith("test_"))


TESTS = frozenset(_tests())


@pytest.mark.parametrize("plan", PLANS)
def test_every_module_of_the_plan_has_a_test_or_a_reason(plan: str) -> None:
    """Nothing is left out unseen."""
    for module in PLANS[plan]:
        left_out = why_not_applicable(module) or why_pending(plan, module)
        assert left_out is not None or function_name(module) in TESTS, f"{module} has neither test nor reason"
        assert why_not_applicable(module) is None or function_name(module) not in TESTS, f"{module} does apply"


def test_reasons_speak_of_known_modules() -> None:
    """A table does not outlive what it speaks of."""
    modules = {module for plan in PLANS.values() for module in plan}
    for name in (*NOT_APPLICABLE, *PENDING, *DIFFERENCES):
        plan, _, module = name.rpartition(":")
        assert not plan or plan.partition(":")[0] in PLANS, name
        assert module == "*" or module in modules, name


def test_the_recorded_run_is_whole_and_passed() -> None:
    """What docs/conformance.md says rests on results of these very modules and shapes; `make conformance` records them again."""
    assert missing_or_failed(read_results(), RENZHENG) == []
