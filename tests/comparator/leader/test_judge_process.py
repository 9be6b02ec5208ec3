"""The judge at work in a real comparator, by the clock on the wall."""

import time
from typing import Any

import pytest
from darklaunch_comparator.judging.policy import JudgeMode, JudgePolicy
from darklaunch_comparator.judging.policy_file import dump_policy_json
from darklaunch_comparator.store.judgements import read_judgement
from darklaunch_comparator.store.launches import get_launch, list_events
from darklaunch_console.embedded import Valkey
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchStatus, parse_state
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import pair_fields
from psycopg import Connection

from tests.support.comparators import comparing, put, settings_for, start, until
from tests.support.exchanges import exchange, replayed

pytestmark = pytest.mark.anyio


@pytest.mark.slow
async def test_a_comparator_rolls_a_bad_launch_back_while_exchanges_come(
    valkey: Valkey, redis: RedisClient, connection: Connection[Any], own_postgres_dsn: str, launch_name: str
) -> None:
    """It takes the window of ten seconds, the grace of ten, and a look."""
    settings = settings_for(valkey.url, own_postgres_dsn)
    policy = dump_policy_json(JudgePolicy(mode=JudgeMode.MANUAL))
    start(connection, redis, launch_name, policy=policy, noise_percent=0)
    now_ms = time.time_ns() // 1_000_000
    entries = [
        replayed(exchange(launch_name, seq, at_ms=now_ms), body={"total": 2 if seq % 4 else 1}, build="v1")
        for seq in range(1, 201)
    ]
    async with comparing(settings):
        put(redis, launch_name, entries)
        for _ in range(3):  # three times as long as is usually waited for
            try:
                await until(lambda: get_launch(connection, launch_name).state.status is LaunchStatus.ROLLED_BACK)
            except AssertionError:
                continue
            break
    known = read_judgement(connection, launch_name)
    assert known is not None and known.verdict == "roll_back"
    assert [event.act for event in list_events(connection, launch_name)] == ["rolled_back", "verdict", "started"]
    copy = parse_state(launch_name, pair_fields(redis.execute_command("HGETALL", keys.launch(launch_name))))
    assert (copy.status, copy.hold) == (LaunchStatus.ROLLED_BACK, True)
