"""A Redis for the pool's tests: a worker serves every launch it finds, so it must find no other test's."""

from collections.abc import Iterator

import pytest
from darklaunch_console.embedded import Valkey, embedded_valkey
from darklaunch_shared.redis.client import RedisClient

from tests.support.workers import connected


@pytest.fixture(scope="session")
def _valkey() -> Iterator[Valkey]:
    with embedded_valkey() as valkey:
        yield valkey


@pytest.fixture
def redis(_valkey: Valkey) -> Iterator[RedisClient]:
    """Return a client of an empty Redis that nobody else uses."""
    with connected(_valkey.url) as redis:
        redis.execute_command("FLUSHALL")
        yield redis


@pytest.fixture
def url(redis: RedisClient, _valkey: Valkey) -> str:
    """Return the URL of that Redis."""
    return _valkey.url
