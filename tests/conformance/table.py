"""The tables of docs/conformance.md about the port of the OpenID Foundation's plans: written from the plans and from the tests themselves."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.differences import ABSENT_PLANS, DIFFERENCES
from tests.conformance.plans import PLANS, TITLES, function_name, why_not_applicable, why_pending
from tests.conformance.results import DIFFERS, PASSED, Results, read_results, shapes_of
from tests.conformance.variants import NODE, RENZHENG, Variant, variants_of

_FOLDER = Path(__file__).parent
_HEAD = """## The plans of the OpenID Foundation's conformance suite, ported

Every module of the plans below has a test of our own under `tests/conformance/`, named after it and written from the specification it
checks. It goes over HTTP, in every shape of its plan, against this product and against the npm package `oidc-provider`, which is certified:
so a fault of the test is told from a fault of the product. The results below are those of the last recorded run (`make conformance`, kept in
`docs/conformance-results.json`). `make test` plays the other provider's basic plan and most shapes of ours, `make test-long` the rest;
without Node and npm the other provider is skipped, which the run says. The product passes our port of these plans; nobody has certified it.
`tests/conformance/mutations.py` plants faults in a copy of the product, one by one, and shows that the port catches each.

| plan | shapes | modules | passes our port | does not apply | not yet | fails |
|---|---|---|---|---|---|---|
"""
_DIFFERENCES_HEAD = """
### Where `oidc-provider` answers otherwise

| module | what it does instead |
|---|---|
"""


def render_plans() -> str:
    """Return the section, with a row for each plan and for each module."""
    parts, results = [_HEAD], read_results()
    for plan, modules in PLANS.items():
        states = [_state(plan, module, results)[0] for module in modules]
        counts = [str(states.count(state)) for state in ("passes", "does not apply", "not yet", "fails")]
        shapes = "<br>".join(_shape(variant) for variant in variants_of(plan))
        parts.append(f"| {TITLES[plan]} | {shapes} | {len(modules)} | {' | '.join(counts)} |\n")
    parts.append(_DIFFERENCES_HEAD)
    rows = {**DIFFERENCES, **{f"all of {TITLES[plan]}": why for plan, why in ABSENT_PLANS.items()}}
    parts += [f"| {module} | {why} |\n" for module, why in rows.items()]
    where = dict(_places())
    for plan, modules in PLANS.items():
        parts.append(f"\n### Plan: {TITLES[plan]}\n\n| module | result | `oidc-provider` | test |\n|---|---|---|---|\n")
        for module in modules:
            state, words = _state(plan, module, results)
            test = f"`{where[function_name(module)]}`" if state in ("passes", "fails") else ""
            parts.append(f"| {module} | {words} | {_of_the_other(plan, module, results)} | {test} |\n")
    return "".join(parts) + "\n"


def _state(plan: str, module: str, results: Results) -> tuple[str, str]:
    reason = why_not_applicable(module)
    if reason is not None:
        return "does not apply", f"does not apply: {reason}"
    waits = why_pending(plan, module)
    if waits is not None:
        return "not yet", f"not yet: {waits}"
    shapes = shapes_of(plan, module)
    others = [shape.name for shape in shapes if results.get((RENZHENG, shape.name, module)) != PASSED]
    if others:
        return "fails", f"did not pass in {', '.join(others)}"
    return "passes", "passes our port" if len(shapes) == 1 else f"passes our port in {len(shapes)} shapes"


def _of_the_other(plan: str, module: str, results: Results) -> str:
    """Return how the other provider fared: what it is not asked, because it lacks the plan, is said above."""
    heard = {results.get((NODE, shape.name, module)) for shape in shapes_of(plan, module)} - {None}
    return "passes" if heard == {PASSED} else "answers otherwise" if DIFFERS in heard else ""


def _shape(variant: Variant) -> str:
    words: list[str] = [f"`{variant.response_type}`"] if not variant.plan.startswith("ciba") else [variant.delivery]
    if variant.response_mode is not None:
        words.append(f"`{variant.response_mode}`")
    if variant.constraint is not None:
        words.append("client by certificate" if "-tls-" in variant.role else "client by `private_key_jwt`")
        words.append("token bound by DPoP" if variant.constraint == "dpop" else "token bound by certificate")
    return ", ".join(words)


def _places() -> Iterator[tuple[str, str]]:
    for file in sorted(_FOLDER.glob("test_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name, f"tests/conformance/{file.name}::{node.name}"
