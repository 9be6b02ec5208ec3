"""Scripts run for asyncio and blocking clients, whatever the server has lost or refuses."""

from typing import Any

import pytest
from darklaunch_shared import keys
from darklaunch_shared.redis.client import connect, connect_async
from darklaunch_shared.redis.exchange_ids import list_exchange_ids
from darklaunch_shared.redis.script_calls import ScriptCall, ScriptCaller, preload_scripts, write_even_if_full
from redis.exceptions import ResponseError

pytestmark = pytest.mark.anyio


def list_call(stream: str) -> ScriptCall:
    return ScriptCall("list_exchange_ids", (stream,), ("0-0", 10))


def test_a_blocking_client_sends_a_script_that_the_server_has_lost(own_valkey: Any, launch_name: str) -> None:
    preload_scripts("list_exchange_ids")
    redis = connect(own_valkey.url, client_name="darklaunch-test")
    redis.execute_command("XADD", keys.captures(launch_name), "*", keys.ID, "p:1")
    for _ in range(2):
        assert [identity for _, identity in list_exchange_ids(redis, keys.captures(launch_name))] == ["p:1"]
        redis.execute_command("SCRIPT FLUSH")
    redis.close()


async def test_calls_in_one_pipeline_get_their_own_replies_and_errors(own_valkey: Any, launch_name: str) -> None:
    redis = connect_async(own_valkey.url, client_name="darklaunch-test")
    caller = ScriptCaller(redis)
    full, wrong = keys.captures(launch_name), keys.ledger(launch_name)
    entry = await redis.execute_command("XADD", full, "*", keys.ID, "p:1")
    await redis.execute_command("SET", wrong, "not a stream")
    for _ in range(2):
        first, refused, last = await caller.run([list_call(full), list_call(wrong), list_call(full)])
        assert first == last == [entry, b"p:1"]
        assert isinstance(refused, ResponseError) and "WRONGTYPE" in str(refused)
        await redis.execute_command("SCRIPT FLUSH")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await caller.call(list_call(wrong))
    await redis.aclose()


def test_launch_state_is_written_to_a_server_that_takes_nothing_else(own_valkey: Any) -> None:
    redis = connect(own_valkey.url, client_name="darklaunch-test")
    redis.execute_command("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(ResponseError, match="maxmemory"):
        redis.execute_command("INCR", keys.REVISION)
    assert write_even_if_full(redis, "INCR", keys.REVISION) == 1
    redis.close()
