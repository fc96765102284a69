"""The results of a run of the port, as they were, kept in docs/conformance-results.json: provider → shape → outcome → modules.

`make conformance` runs every module in every shape and writes the file; docs/conformance.md is made of it. An outcome is `passed`, `failed`,
`skipped`, or `differs` where the other provider answers otherwise and differences.py says why.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conformance.plans import MODULE_OF_FUNCTION, plans_of, why_not_applicable
from tests.conformance.variants import NODE, RENZHENG, Variant, speaks_of, variants_of

FILE = Path(__file__).parents[2] / "docs" / "conformance-results.json"
PASSED, DIFFERS = "passed", "differs"

Results = Mapping[tuple[str, str, str], str]
"""(provider, shape, module) → outcome"""


class Recorder:
    """Hears the outcome of every module's test and writes them at the end of the run."""

    def __init__(self) -> None:
        self._outcomes: dict[tuple[str, str, str], str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep an outcome; whatever goes wrong around a test is a failure of it."""
        function, _, shape = report.nodeid.rpartition("::")[2].partition("[")
        module = MODULE_OF_FUNCTION.get(function)
        if module is None or (report.when != "call" and report.outcome == PASSED):
            return
        provider = next(name for name in (RENZHENG, NODE) if shape.startswith(name + "-"))
        key = (provider, shape.removeprefix(provider + "-").removesuffix("]"), module)
        if self._outcomes.get(key) != "failed":
            self._outcomes[key] = (
                DIFFERS if report.outcome == "skipped" and hasattr(report, "wasxfail") else report.outcome
            )

    def pytest_sessionfinish(self) -> None:
        """Write what was heard."""
        nested: dict[str, dict[str, dict[str, list[str]]]] = {}
        for (provider, shape, module), outcome in sorted(self._outcomes.items()):
            nested.setdefault(provider, {}).setdefault(shape, {}).setdefault(outcome, []).append(module)
        FILE.write_text(json.dumps(nested, indent=1) + "\n", encoding="utf-8")


def read_results() -> Results:
    """Return the results of the last recorded run."""
    nested = json.loads(FILE.read_text(encoding="utf-8"))
    return {
        (provider, shape, module): outcome
        for provider, shapes in nested.items()
        for shape, outcomes in shapes.items()
        for outcome, modules in outcomes.items()
        for module in modules
    }


def shapes_of(plan: str, module: str) -> tuple[Variant, ...]:
    """Return the shapes of the plan in which the module is run."""
    return tuple(variant for variant in variants_of(plan) if speaks_of(module, variant))


def missing_or_failed(results: Results, provider: str) -> list[str]:
    """Return a line for every shape of every module that applies and did not pass in the recorded run."""
    found: dict[str, list[str]] = defaultdict(list)
    for module in MODULE_OF_FUNCTION.values():
        if why_not_applicable(module) is not None:
            continue
        for plan in plans_of(module):
            for variant in shapes_of(plan, module):
                outcome = results.get((provider, variant.name, module), "not recorded")
                if outcome != PASSED:
                    found[f"{module}: {outcome}"].append(variant.name)
    return [f"{what} in {', '.join(shapes)}" for what, shapes in sorted(found.items())]
