"""One installation: a Postgres and its Redis know each other, and launches are published nowhere else."""

import logging
import time
from typing import Any

import pytest
from darklaunch_comparator.control.installation import join_installation, locate_redis, read_redis_identity
from darklaunch_comparator.errors import InstallationMismatch
from darklaunch_comparator.leader.leader import Leader
from darklaunch_comparator.settings import ComparatorSettings
from darklaunch_comparator.store.installation import read_installation
from darklaunch_console.embedded import Valkey
from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient, connect
from psycopg import Connection

from tests.support.comparators import start


@pytest.fixture
def second_redis(valkey: Valkey) -> Any:
    """Another database number of the same server."""
    client = connect(valkey.url.rsplit("/", 1)[0] + "/1", client_name="darklaunch-test")
    client.execute_command("FLUSHDB")
    yield client
    client.close()


def other_installation(redis: RedisClient) -> str:
    redis.execute_command("HSET", keys.INSTALLATION, "id", "0" * 32)
    return "00000000"


def test_the_first_redis_is_taken_and_known_again_after_a_flush(
    connection: Connection[Any], redis: RedisClient
) -> None:
    join_installation(connection, redis)
    installation = read_installation(connection)
    assert read_redis_identity(redis) == installation.id
    assert installation.redis == (locate_redis(redis),)
    redis.execute_command("FLUSHALL")
    join_installation(connection, redis)
    assert read_redis_identity(redis) == installation.id
    assert read_installation(connection) == installation


def test_a_second_redis_is_refused_by_name(
    connection: Connection[Any], redis: RedisClient, second_redis: RedisClient
) -> None:
    join_installation(connection, redis)
    own = read_installation(connection).id[:8]
    with pytest.raises(InstallationMismatch) as refused:
        join_installation(connection, second_redis)
    assert f"The Redis at {locate_redis(second_redis)} is not that of this database (installation {own}), " in str(
        refused.value
    )
    assert f"which is at {locate_redis(redis)}." in str(refused.value)
    assert read_redis_identity(second_redis) == ""


def test_a_redis_of_another_database_is_refused_by_name(connection: Connection[Any], redis: RedisClient) -> None:
    other = other_installation(redis)
    with pytest.raises(InstallationMismatch, match=f"belongs to installation {other}, this database to "):
        join_installation(connection, redis)
    assert read_installation(connection).redis == ()


def test_a_redis_that_has_moved_is_adopted(
    connection: Connection[Any], redis: RedisClient, second_redis: RedisClient
) -> None:
    join_installation(connection, redis)
    other_installation(second_redis)
    join_installation(connection, second_redis, adopt=True)
    join_installation(connection, second_redis)
    assert read_redis_identity(second_redis) == read_installation(connection).id


def test_a_comparator_with_the_wrong_redis_publishes_nothing_and_lets_the_right_one_lead(
    connection: Connection[Any],
    own_postgres_dsn: str,
    redis: RedisClient,
    second_redis: RedisClient,
    valkey: Valkey,
    launch_name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    join_installation(connection, redis)
    start(connection, redis, launch_name)
    redis.execute_command("DEL", keys.launch(launch_name))
    second_url = valkey.url.rsplit("/", 1)[0] + "/1"
    wrong = Leader(ComparatorSettings(redis_url=second_url, database_url=own_postgres_dsn))
    right = Leader(ComparatorSettings(redis_url=valkey.url, database_url=own_postgres_dsn))
    with caplog.at_level(logging.WARNING, "darklaunch.comparator"):
        wrong.start()
        until_s = time.monotonic() + 30
        while not any("does not lead" in line for line in caplog.messages) and time.monotonic() < until_s:
            time.sleep(0.05)
        right.start()
        try:
            until_s = time.monotonic() + 30
            while not redis.execute_command("EXISTS", keys.launch(launch_name)) and time.monotonic() < until_s:
                time.sleep(0.05)
            assert right.leading and not wrong.leading
        finally:
            wrong.stop()
            right.stop()
            wrong.join(10)
            right.join(10)
    assert redis.execute_command("EXISTS", keys.launch(launch_name))
    assert second_redis.execute_command("KEYS", "dl:*") == []
    (said,) = [line for line in caplog.messages if "does not lead" in line]
    assert f"The Redis at {locate_redis(second_redis)} is not that of this database" in said
