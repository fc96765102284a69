"""The port catches faults: each mutation, planted in a copy of the product, makes the tests fail that are meant to notice it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.mutations import CAUGHT, MISSED, MUTATIONS, Mutation, copied_tree, fits, planted, run_port

_AT_LEAST = 30


@pytest.fixture(scope="session")
def tree() -> Iterator[Path]:
    """A copy of the product that may be spoilt."""
    with copied_tree() as copy:
        yield copy


def test_there_are_thirty_different_faults() -> None:
    """As many as were promised, no two the same."""
    assert len({(mutation.file, mutation.before, mutation.after) for mutation in MUTATIONS}) >= _AT_LEAST


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.what)
def test_every_fault_still_fits_the_code(mutation: Mutation) -> None:
    """A fault whose place has changed would be planted nowhere and seem to be missed, or caught, for no reason."""
    assert fits(mutation)


@pytest.mark.long
def test_the_sound_product_passes_what_is_to_catch_the_faults(tree: Path) -> None:
    """Positive control: nothing fails without a fault."""
    status, output = run_port(tree, " or ".join(sorted({f"({mutation.caught_by})" for mutation in MUTATIONS})))
    assert status == MISSED, output


@pytest.mark.long
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.what)
def test_every_fault_is_caught(mutation: Mutation, tree: Path) -> None:
    """The port fails while the fault stands, by a failed test and not by one that could not run."""
    with planted(mutation, tree):
        status, output = run_port(tree, mutation.caught_by)
    assert status == CAUGHT, output
    assert " failed" in output
    assert " error" not in output.splitlines()[-1]
