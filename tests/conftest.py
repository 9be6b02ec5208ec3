"""Fixtures every test may use; which servers they lead to is said in the header and the summary of a run.

Tests share the servers and run in parallel: a test keeps to its own launch names and its own database. One that has to
flush, stop, fill or reconfigure its Redis takes `own_valkey`.
"""

from __future__ import annotations

import secrets
import signal
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest
from darklaunch_comparator.store.migrate import migrate
from darklaunch_console.embedded import Postgres, Valkey, embedded_postgres, embedded_valkey
from hypothesis import HealthCheck, settings

from .support.databases import fresh_database
from .support.servers import Keeper, SharedServers, plan, wait_for_servers, want

settings.register_profile("quick", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=2_000)
settings.load_profile("quick")  # a busy machine is no fault of what is tested; --hypothesis-profile takes the other

_KEEPER = pytest.StashKey[Keeper]()
_RENDEZVOUS = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:(testcontainers|docker)")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job; what tests start would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    workerinput = getattr(config, "workerinput", None)
    if workerinput is not None:  # an xdist worker: the controlling process keeps the servers
        config.stash[_RENDEZVOUS] = Path(workerinput["darklaunch_rendezvous"])
        return
    config.stash[_KEEPER] = Keeper()
    config.stash[_RENDEZVOUS] = config.stash[_KEEPER].path


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    node.workerinput["darklaunch_rendezvous"] = str(node.config.stash[_RENDEZVOUS])


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the servers while the first tests run, if any test is going to want them."""
    if not session.config.option.collectonly and any(
        "servers" in getattr(i, "fixturenames", ()) for i in session.items
    ):
        want(session.config.stash[_RENDEZVOUS])


def pytest_report_header() -> str:
    return f"servers: {plan()}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    outcome = config.stash[_KEEPER].outcome
    terminalreporter.write_line(f"servers: {outcome or 'none was wanted'}")


def pytest_unconfigure(config: pytest.Config) -> None:
    keeper = config.stash.get(_KEEPER, None)
    if keeper is not None:
        keeper.stop()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> SharedServers:
    """Return the shared servers: `.redis_url`, `.postgres_url` (a DSN of an empty database), `.origin`."""
    return wait_for_servers(request.config.stash[_RENDEZVOUS])


@pytest.fixture(scope="session")
def redis_url(servers: SharedServers) -> str:
    return servers.redis_url


@pytest.fixture(scope="session")
def _migrated_template(servers: SharedServers) -> Generator[str]:
    with fresh_database(servers.postgres_url) as (name, dsn):
        migrate(dsn)
        with psycopg.connect(dsn) as connection:  # one installation: the test processes share a Redis
            connection.execute("UPDATE darklaunch.installation SET id = '7e577e57-0000-4000-8000-000000000000'")
        yield name


@pytest.fixture(scope="module")
def postgres_dsn(servers: SharedServers, _migrated_template: str) -> Generator[str]:
    """Return the DSN of a migrated database that belongs to the test module; a test keeps to its own launch name."""
    with fresh_database(servers.postgres_url, _migrated_template) as (_, dsn):
        yield dsn


@pytest.fixture
def own_postgres_dsn(servers: SharedServers, _migrated_template: str) -> Generator[str]:
    """Return the DSN of a migrated database that belongs to one test."""
    with fresh_database(servers.postgres_url, _migrated_template) as (_, dsn):
        yield dsn


@pytest.fixture(scope="module")
def empty_postgres_dsn(servers: SharedServers) -> Generator[str]:
    """Return the DSN of a database without any schema, for tests of the migrations."""
    with fresh_database(servers.postgres_url) as (_, dsn):
        yield dsn


@pytest.fixture
def own_valkey() -> Generator[Valkey]:
    """Start a Valkey for one test (`.url`, `.port`, `.process.pid`): to flush, stop, fill or reconfigure at will."""
    with embedded_valkey() as valkey:
        yield valkey


@pytest.fixture
def own_postgres() -> Generator[Postgres]:
    """Start a Postgres for one test (`.url`, `.process.pid`), without our schema: to stop or kill at will."""
    with embedded_postgres() as postgres:
        yield postgres


@pytest.fixture
def launch_name() -> str:
    """Return a valid launch name that no other test uses."""
    return f"t-{secrets.token_hex(6)}"
