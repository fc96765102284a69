"""Fixtures of the conformance port: every module runs in every shape of its plans, against every provider at hand."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.conformance.differences import ABSENT_PLANS, difference_of
from tests.conformance.high_party import HighParty
from tests.conformance.listener import Listener, running_listener
from tests.conformance.node_provider import running_node_provider
from tests.conformance.op import Op
from tests.conformance.plans import MODULE_OF_FUNCTION, plans_of, why_not_applicable, why_pending
from tests.conformance.relying_party import RelyingParty
from tests.conformance.renzheng import running_renzheng
from tests.conformance.results import Recorder
from tests.conformance.rp_browser import BrowserShelf
from tests.conformance.variants import NODE, RENZHENG, Variant, speaks_of, variants_of
from tests.servers import PostgresDatabases, SQLiteDatabases, Stack

PROVIDERS = (RENZHENG, NODE)
BASIC = "basic"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--op` runs the port against one provider alone; `--op-stack` chooses the stores of our own."""
    parser.addoption("--op", choices=PROVIDERS, default=None, help="run the conformance port against this one alone")
    parser.addoption("--op-stack", choices=("sqlite+memory", "postgres+redis"), default="postgres+redis")
    parser.addoption("--record-conformance", action="store_true", help="write docs/conformance-results.json")


def pytest_configure(config: pytest.Config) -> None:
    """Record in the process that hears of every test."""
    if config.getoption("--record-conformance", default=False) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a module's test the shapes of every plan that has the module.

    Some shapes are left to the long run; the other provider goes through the basic plan alone in every run.
    """
    module = MODULE_OF_FUNCTION.get(metafunc.function.__name__)
    if module is None or "rp" not in metafunc.fixturenames:
        return
    assert why_not_applicable(module) is None, f"{module} is said not to apply"
    only = metafunc.config.getoption("--op", default=None)
    cases = []
    for provider in [only] if only else PROVIDERS:
        for plan in plans_of(module):
            if provider == NODE and plan in ABSENT_PLANS:
                continue
            pending = why_pending(plan, module) if provider == RENZHENG else None
            for variant in variants_of(plan):
                if not speaks_of(module, variant):
                    continue
                marks = [pytest.mark.skip(reason=f"not yet: {pending}")] if pending else []
                if variant.is_left_to_the_long_run or (provider == NODE and plan != BASIC):
                    marks.append(pytest.mark.long)
                if provider == NODE and (why := difference_of(module, variant)):
                    marks.append(pytest.mark.xfail(reason=why, strict=True))
                cases.append(pytest.param(provider, variant, id=f"{provider}-{variant.name}", marks=marks))
    metafunc.parametrize(("op", "variant"), cases, indirect=["op"], scope="session")


@pytest.fixture(scope="session")
def op(request: pytest.FixtureRequest) -> Op:
    """The provider under test."""
    found: Op = request.getfixturevalue("renzheng_op" if request.param == RENZHENG else "node_op")
    return found


@pytest.fixture(scope="session")
def listener() -> Iterator[Listener]:
    """The web server of the relying party."""
    with running_listener() as running:
        yield running


@pytest.fixture(scope="session")
def renzheng_op(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, listener: Listener
) -> Iterator[Op]:
    """Our own product, for all modules of this worker."""
    folder, wanted = tmp_path_factory.mktemp("conformance"), request.config.getoption("--op-stack", "postgres+redis")
    if wanted == "sqlite+memory":
        databases: SQLiteDatabases = request.getfixturevalue("sqlite_databases")
        with databases.fresh() as url, running_renzheng(Stack(wanted, url, None), folder, listener) as running:
            yield running
        return
    redis_url = request.getfixturevalue("redis_server").url(14)
    databases_here: PostgresDatabases = request.getfixturevalue("postgres_databases")
    with databases_here.fresh() as url, running_renzheng(Stack(wanted, url, redis_url), folder, listener) as running:
        yield running


@pytest.fixture(scope="session")
def node_op(tmp_path_factory: pytest.TempPathFactory, listener: Listener) -> Iterator[Op]:
    """The npm package `oidc-provider`, for all modules of this worker."""
    with running_node_provider(tmp_path_factory.mktemp("node"), listener) as running:
        yield running


@pytest.fixture
def rp(op: Op, variant: Variant) -> Iterator[RelyingParty]:
    """The relying party of the variant, with a fresh browser."""
    with closing(BrowserShelf()) as browsers:
        kind = RelyingParty if variant.constraint is None else HighParty
        party = kind(op, variant, op.client(variant.role), browsers)
        yield party.registered() if variant.plan == "dynamic" else party
