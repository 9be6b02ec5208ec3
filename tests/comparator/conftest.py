"""A Redis and a Postgres for the tests of one module: comparators look at every launch there is, so they share none."""

from collections.abc import Iterator
from typing import Any

import pytest
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.write_batch import prepare_connection
from darklaunch_console.embedded import Valkey, embedded_valkey
from darklaunch_shared.redis.client import RedisClient, connect
from psycopg import Connection


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    with embedded_valkey() as valkey:
        yield valkey


@pytest.fixture
def redis(valkey: Valkey) -> Iterator[RedisClient]:
    """Yield a client of a Redis that is empty when the test begins."""
    client = connect(valkey.url, client_name="darklaunch-test")
    client.execute_command("FLUSHALL")
    yield client
    client.close()


@pytest.fixture
def connection(own_postgres_dsn: str) -> Iterator[Connection[Any]]:
    """Yield a connection to a database of the test's own."""
    with connect_store(own_postgres_dsn, name="darklaunch-test") as connection:
        prepare_connection(connection)
        yield connection
