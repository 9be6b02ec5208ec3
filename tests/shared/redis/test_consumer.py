"""The stream protocol on a real server: admission, claims, fences, burials, handing back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.redis.client import RedisClient, connect, connect_async
from darklaunch_shared.redis.consumer import (
    FINISH_BATCH,
    MAX_DELIVERIES,
    ClaimedEntry,
    FinishedEntry,
    GroupConsumer,
    ShardStreams,
    comparator_streams,
    worker_streams,
)
from darklaunch_shared.redis.presence import heartbeat, read_alive
from darklaunch_shared.redis.publish import publish_launch
from darklaunch_shared.redis.script_calls import ScriptCall, ScriptCaller, call_script
from darklaunch_shared.redis.script_queue import ScriptQueue
from darklaunch_shared.wire.dead_letter import unpack_dead_letter
from darklaunch_shared.wire.exchange import Exchange, Request, Response
from darklaunch_shared.wire.fields import Fields, pair_fields
from darklaunch_shared.wire.replay import UnreplayedExchange, unpack_replay

from tests.support.pack_exchange import pack_exchange

pytestmark = pytest.mark.anyio

LEASE_S = 0.2


@pytest.fixture
def redis(redis_url: str) -> Iterator[RedisClient]:
    client = connect(redis_url, client_name="darklaunch-test")
    yield client
    client.close()


def admit(
    redis: RedisClient, launch: str, first: int, count: int, *, bound: int = 1000, producer: str = "abcd1234"
) -> int:
    names = (keys.captures(launch), keys.ledger(launch), keys.admitted(launch))
    entries: list[bytes] = []
    for seq in range(first, first + count):
        fields = pack_exchange(exchange(launch, f"{producer}:{seq}"))
        entries += [fields[keys.META], fields[keys.REQUEST], fields[keys.RESPONSE]]
    return int(call_script(redis, ScriptCall("admit", names, (bound, producer, first, *entries))))


def exchange(launch: str, identity: str) -> Exchange:
    request = Request("GET", "/orders/1", "http://shop", (), b"")
    return Exchange(identity, launch, 1_763_900_000_000, "GET /orders/{id}", request, Response(200, (), b"{}", 1.0))


def ledger(redis: RedisClient, launch: str) -> dict[str, int]:
    stored = pair_fields(redis.execute_command("HGETALL", keys.ledger(launch)))
    return {name.decode(): int(count) for name, count in stored.items() if int(count)}


def entries(redis: RedisClient, stream: str) -> list[dict[bytes, bytes]]:
    return [pair_fields(fields) for _, fields in redis.execute_command("XRANGE", stream, "-", "+")]


@asynccontextmanager
async def consumers(url: str, lane: ShardStreams, *names: str) -> AsyncIterator[list[GroupConsumer]]:
    client = connect_async(url, client_name="darklaunch-test")
    queue = ScriptQueue(ScriptCaller(client))
    running = asyncio.create_task(queue.run())
    try:
        yield [GroupConsumer(client, queue, lane, name=name, lease_s=LEASE_S) for name in names]
    finally:
        running.cancel()
        await client.aclose()


async def some(consumer: GroupConsumer) -> list[ClaimedEntry]:
    """Read until something comes; the first try may find no group yet and create it."""
    for _ in range(300):
        if read := await consumer.read(10, wait_ms=100):
            return read
    raise AssertionError("nothing came")


async def finish(consumer: GroupConsumer, delivery: ClaimedEntry, onward: Fields) -> bool:
    """Settle one entry as replayed."""
    (finished,) = await consumer.finish([FinishedEntry(delivery.entry_id, onward, "replayed")])
    return finished


async def test_an_exchange_goes_from_stream_to_stream(redis: RedisClient, redis_url: str, launch_name: str) -> None:
    assert admit(redis, launch_name, 1, 3) == 3
    async with consumers(redis_url, worker_streams(launch_name, 0), "one") as (one,):
        for delivery in await some(one):
            assert await finish(one, delivery, {**delivery.fields, keys.SHADOW: b"x"})
    assert entries(redis, keys.captures(launch_name)) == []
    assert [fields[keys.ID] for fields in entries(redis, keys.replays(launch_name))] == [
        b"abcd1234:1", b"abcd1234:2", b"abcd1234:3",
    ]  # fmt: skip
    assert ledger(redis, launch_name) == {"admitted": 3, "replayed": 3}


def test_a_batch_sent_again_adds_nothing_twice(redis: RedisClient, launch_name: str) -> None:
    assert admit(redis, launch_name, 1, 3) == 3
    assert admit(redis, launch_name, 1, 5) == 5
    assert admit(redis, launch_name, 1, 5) == 5
    assert len(entries(redis, keys.captures(launch_name))) == 5
    assert ledger(redis, launch_name) == {"admitted": 5}


def test_over_its_bound_the_newest_is_shed_and_its_number_used_again(redis: RedisClient, launch_name: str) -> None:
    assert admit(redis, launch_name, 1, 5, bound=3) == 3
    assert ledger(redis, launch_name) == {"admitted": 3, "shed": 2}
    assert admit(redis, launch_name, 4, 1, bound=4) == 1
    assert [fields[keys.ID] for fields in entries(redis, keys.captures(launch_name))][-1] == b"abcd1234:4"


def test_a_key_of_the_wrong_type_fails_before_anything_is_written(redis: RedisClient, launch_name: str) -> None:
    redis.execute_command("SET", keys.ledger(launch_name), "oops")
    with pytest.raises(Exception, match="WRONGTYPE"):
        admit(redis, launch_name, 1, 1)
    assert entries(redis, keys.captures(launch_name)) == []


async def test_an_outcome_waits_for_a_key_that_is_in_the_way_and_keeps_nobody_else_waiting(
    redis: RedisClient, redis_url: str, launch_name: str
) -> None:
    admit(redis, launch_name, 1, 2)
    async with consumers(redis_url, worker_streams(launch_name, 0), "one", "two") as (one, two):
        first, second = await some(one)
        redis.execute_command("SET", keys.replays(launch_name), "oops")
        obstructed = asyncio.create_task(finish(one, first, first.fields))
        for _ in range(8):  # longer than its lease
            await asyncio.sleep(LEASE_S / 4)
            await one.extend([first.entry_id, second.entry_id])
            assert await two.claim(10) == []
        assert await one.acknowledge([second.entry_id], "recorded") == 1
        assert not obstructed.done()
        redis.execute_command("DEL", keys.replays(launch_name))
        assert await obstructed
    assert ledger(redis, launch_name) == {"admitted": 2, "recorded": 1, "replayed": 1}


async def test_a_silent_consumers_entry_is_claimed_and_its_late_finish_refused(
    redis: RedisClient, redis_url: str, launch_name: str
) -> None:
    admit(redis, launch_name, 1, 1)
    async with consumers(redis_url, worker_streams(launch_name, 0), "slow", "quick") as (slow, quick):
        (held,) = await some(slow)
        assert await quick.claim(10) == []
        await asyncio.sleep(LEASE_S * 1.5)
        (claimed,) = await quick.claim(10)
        assert claimed.deliveries == 2
        assert not await finish(slow, held, held.fields)
        assert await finish(quick, claimed, claimed.fields)
    assert len(entries(redis, keys.replays(launch_name))) == 1
    assert ledger(redis, launch_name) == {"admitted": 1, "replayed": 1, "superseded": 1}


async def test_many_entries_are_finished_by_one_call_each_by_itself(
    redis: RedisClient, redis_url: str, launch_name: str
) -> None:
    admit(redis, launch_name, 1, 1)
    async with consumers(redis_url, worker_streams(launch_name, 0), "slow", "quick") as (slow, quick):
        (lost,) = await some(slow)
        await asyncio.sleep(LEASE_S * 1.5)
        assert len(await quick.claim(10)) == 1
        admit(redis, launch_name, 2, FINISH_BATCH - 2)
        kept = [delivery for _ in range(20) for delivery in await slow.read(10, wait_ms=10)]
        assert len(kept) == FINISH_BATCH - 2
        outcomes = [FinishedEntry(it.entry_id, {**it.fields, keys.SHADOW: b"x"}, "replayed") for it in kept]
        outcomes[3] = FinishedEntry(kept[3].entry_id, {}, "dropped")
        outcomes[1:1] = [
            FinishedEntry(lost.entry_id, lost.fields, "replayed"),
            outcomes[0],
        ]  # not its own; and one twice
        assert await slow.finish(outcomes) == [True, False, False, *[True] * (FINISH_BATCH - 3)]
        assert await slow.finish(outcomes) == [False] * FINISH_BATCH
    passed_on = [fields[keys.ID] for fields in entries(redis, keys.replays(launch_name))]
    assert passed_on == [it.fields[keys.ID] for at, it in enumerate(kept) if at != 3]
    assert len(entries(redis, keys.captures(launch_name))) == 1
    count = FINISH_BATCH - 1
    assert ledger(redis, launch_name) == {
        "admitted": count, "replayed": count - 2, "dropped": 1, "superseded": FINISH_BATCH + 2,
    }  # fmt: skip


@pytest.mark.parametrize("key", [keys.replays, keys.ledger])
async def test_outcomes_that_a_key_is_in_the_way_of_are_all_passed_on_later(
    redis: RedisClient, redis_url: str, launch_name: str, key: Any
) -> None:
    admit(redis, launch_name, 1, 3)
    async with consumers(redis_url, worker_streams(launch_name, 0), "one") as (one,):
        taken = await some(one)
        redis.execute_command("DEL", key(launch_name))
        redis.execute_command("SET", key(launch_name), "oops")
        outcomes = [FinishedEntry(it.entry_id, it.fields, "replayed") for it in taken]
        finishing = asyncio.create_task(one.finish(outcomes))
        await asyncio.sleep(0.05)
        assert len(entries(redis, keys.captures(launch_name))) == 3
        redis.execute_command("DEL", key(launch_name))
        assert await finishing == [True] * 3
    assert ledger(redis, launch_name)["replayed"] == len(entries(redis, keys.replays(launch_name))) == 3


async def test_many_entries_are_settled_at_once_but_for_those_of_another_consumer(
    redis: RedisClient, redis_url: str, launch_name: str
) -> None:
    admit(redis, launch_name, 1, 1)
    async with consumers(redis_url, worker_streams(launch_name, 0), "slow", "quick") as (slow, quick):
        (lost,) = await some(slow)
        await asyncio.sleep(LEASE_S * 1.5)
        assert len(await quick.claim(10)) == 1
        for first in range(2, 2_002, 100):
            admit(redis, launch_name, first, 100, bound=10_000)
        kept = [delivery.entry_id for _ in range(200) for delivery in await slow.read(10, wait_ms=100)]
        assert len(kept) == 2_000
        assert await slow.acknowledge([*kept[:1_500], lost.entry_id], "recorded") == 1_500
        assert await slow.acknowledge(kept[1_000:], "recorded") == 500
        assert await slow.acknowledge([], "recorded") == 0
    assert len(entries(redis, keys.captures(launch_name))) == 1
    assert ledger(redis, launch_name) == {"admitted": 2_001, "recorded": 2_000, "superseded": 501}


async def test_an_extended_entry_is_not_claimed(redis: RedisClient, redis_url: str, launch_name: str) -> None:
    admit(redis, launch_name, 1, 2)
    async with consumers(redis_url, worker_streams(launch_name, 0), "busy", "eager") as (busy, eager):
        kept, _lost = await some(busy)
        for _ in range(4):
            await asyncio.sleep(LEASE_S / 2)
            await busy.extend([kept.entry_id])
        claimed = await eager.claim(10)
        assert [delivery.fields[keys.ID] for delivery in claimed] == [b"abcd1234:2"]
        assert await finish(busy, kept, kept.fields)


async def test_poison_is_buried_with_its_payload_and_noticed(
    redis: RedisClient, redis_url: str, launch_name: str
) -> None:
    admit(redis, launch_name, 1, 1)
    async with consumers(redis_url, worker_streams(launch_name, 0), "victim") as (victim,):
        assert len(await some(victim)) == 1
        for deliveries in range(2, MAX_DELIVERIES + 1):
            await asyncio.sleep(LEASE_S * 1.2)
            (claimed,) = await victim.claim(1)
            assert claimed.deliveries == deliveries
        await asyncio.sleep(LEASE_S * 1.2)
        assert await victim.claim(1) == []
    (letter,) = map(unpack_dead_letter, entries(redis, keys.dead(launch_name)))
    assert letter.fields == pack_exchange(exchange(launch_name, "abcd1234:1"))
    assert letter.deliveries == MAX_DELIVERIES
    (notice,) = map(unpack_replay, entries(redis, keys.replays(launch_name)))
    assert isinstance(notice, UnreplayedExchange)
    assert (notice.id, notice.outcome, notice.endpoint) == ("abcd1234:1", "dead", "GET /orders/{id}")
    assert ledger(redis, launch_name) == {"admitted": 1, "dead": 1}
    assert entries(redis, keys.captures(launch_name)) == []


async def test_a_strangers_entry_is_buried_without_a_notice(
    redis: RedisClient, redis_url: str, launch_name: str
) -> None:
    redis.execute_command("XADD", keys.captures(launch_name), "*", "hello", "world")
    async with consumers(redis_url, worker_streams(launch_name, 0), "one") as (one,):
        (delivery,) = await some(one)
        assert await one.bury(delivery, "not ours")
    assert entries(redis, keys.replays(launch_name)) == []
    assert ledger(redis, launch_name) == {"foreign": 1}


async def test_an_entry_trimmed_while_pending_is_counted(redis: RedisClient, redis_url: str, launch_name: str) -> None:
    admit(redis, launch_name, 1, 2)
    async with consumers(redis_url, worker_streams(launch_name, 0), "one") as (one,):
        await some(one)
        redis.execute_command("XTRIM", keys.captures(launch_name), "MAXLEN", 0)
        await asyncio.sleep(LEASE_S * 1.2)
        assert await one.claim(10) == []
    assert ledger(redis, launch_name) == {"admitted": 2, "lost_pel": 2}


async def test_what_is_handed_back_can_be_claimed_at_once_and_costs_no_delivery(
    redis: RedisClient, redis_url: str, launch_name: str
) -> None:
    admit(redis, launch_name, 1, 1)
    async with consumers(redis_url, worker_streams(launch_name, 0), "leaving", "staying") as (leaving, staying):
        (held,) = await some(leaving)
        await leaving.leave()
        assert names_of_consumers(redis, launch_name) == {"leaving"}
        await leaving.hand_back([held.entry_id])
        (claimed,) = await staying.claim(1)
        assert claimed.deliveries == 1
        await leaving.leave()
    assert names_of_consumers(redis, launch_name) == {"staying"}


def names_of_consumers(redis: RedisClient, launch: str) -> set[str]:
    listed = redis.execute_command("XINFO CONSUMERS", keys.captures(launch), keys.WORKER_GROUP)
    return {consumer["name"].decode() for consumer in listed}


async def test_a_flushed_server_is_taken_up_again(own_valkey: Any, launch_name: str) -> None:
    redis = connect(own_valkey.url, client_name="darklaunch-test")
    admit(redis, launch_name, 1, 1)
    async with consumers(own_valkey.url, worker_streams(launch_name, 0), "one") as (one,):
        (delivery,) = await some(one)
        assert await finish(one, delivery, {})
        redis.execute_command("FLUSHALL")
        redis.execute_command("SCRIPT FLUSH")
        admit(redis, launch_name, 2, 1)
        (delivery,) = await some(one)
        assert await finish(one, delivery, delivery.fields)
    assert len(entries(redis, keys.replays(launch_name))) == 1
    redis.close()


async def test_a_full_server_still_drains(own_valkey: Any, launch_name: str) -> None:
    redis = connect(own_valkey.url, client_name="darklaunch-test")
    admit(redis, launch_name, 1, 3)
    redis.execute_command("CONFIG SET", "maxmemory", 1)
    with pytest.raises(Exception, match="maxmemory"):
        admit(redis, launch_name, 4, 1)
    async with consumers(own_valkey.url, worker_streams(launch_name, 0), "one") as (one,):
        for delivery in await some(one):
            assert await finish(one, delivery, delivery.fields)
    async with consumers(own_valkey.url, comparator_streams(launch_name, 0), "two") as (two,):
        assert await two.acknowledge([delivery.entry_id for delivery in await some(two)], "recorded") == 3
    assert ledger(redis, launch_name) == {"admitted": 3, "replayed": 3, "recorded": 3}
    redis.close()


def test_an_older_revision_never_replaces_a_newer_one_and_no_publishing_lifts_a_hold(
    redis: RedisClient, launch_name: str
) -> None:
    spec = LaunchSpec("http://a")

    def publish(revision: int, percent: float, *, lift: bool = False) -> bool:
        state = LaunchState(launch_name, LaunchStatus.ACTIVE, percent=percent, hold=False, revision=revision, spec=spec)
        return publish_launch(redis, state, lift_hold=lift)

    assert publish(7, 10.0)
    assert not publish(6, 50.0)
    assert not publish(7, 50.0)
    redis.execute_command("HSET", keys.launch(launch_name), "hold", 1)
    assert publish(8, 50.0)
    stored = pair_fields(redis.execute_command("HGETALL", keys.launch(launch_name)))
    assert (stored[b"percent"], stored[b"hold"]) == (b"50.0", b"1")
    assert publish(9, 50, lift=True)
    assert redis.execute_command("HGET", keys.launch(launch_name), "hold") is None


def test_a_process_is_alive_by_the_servers_clock(redis: RedisClient, launch_name: str) -> None:
    registry = f"dl:hooks:{launch_name}"
    call_script(redis, heartbeat(registry, "abcd1234", {"kind": "hook"}))
    redis.execute_command("HSET", registry, "damaged", "x")
    stored = pair_fields(redis.execute_command("HGETALL", registry))
    seconds, micros = redis.execute_command("TIME")
    now_ms = int(seconds) * 1000 + int(micros) // 1000
    (process,) = read_alive(stored, now_ms)
    assert process.about["kind"] == "hook"
    assert read_alive(stored, now_ms + 20_000) == []
    redis.execute_command("DEL", registry)


async def test_the_latest_dead_letters_are_kept_and_the_rest_is_counted(
    redis_url: str, redis: RedisClient, launch_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("darklaunch_shared.redis.consumer.MAX_DEAD_LETTERS", 3)
    admit(redis, launch_name, 1, 5)
    async with consumers(redis_url, worker_streams(launch_name, 0), "one") as (one,):
        taken = await some(one)
        for delivery in taken:
            assert await one.bury(delivery, "nobody can read it")
    kept = [fields[keys.ID] for fields in entries(redis, keys.dead(launch_name))]
    assert (len(taken), kept) == (5, [b"abcd1234:3", b"abcd1234:4", b"abcd1234:5"])
    told = ledger(redis, launch_name)
    assert (told["dead"], told["dead_trimmed"]) == (5, 2)


async def test_what_another_consumer_holds_is_left_to_it(redis_url: str, redis: RedisClient, launch_name: str) -> None:
    stream = keys.captures(launch_name)
    admit(redis, launch_name, 1, 1)
    async with consumers(redis_url, worker_streams(launch_name, 0), "slow", "quick") as (slow, quick):
        (delivery,) = await some(slow)
        await asyncio.sleep(LEASE_S * 1.2)
        assert len(await quick.claim(1)) == 1
        await slow.extend([delivery.entry_id])
        await slow.hand_back([delivery.entry_id])
        assert not await slow.bury(delivery, "nobody can read it")
        (held,) = cast(Any, redis).execute_command(
            "XPENDING", stream, keys.WORKER_GROUP, "-", "+", 9, parse_detail=True
        )
        assert (held["consumer"], held["times_delivered"]) == (b"quick", 2)
    assert entries(redis, keys.dead(launch_name)) == []
    assert ledger(redis, launch_name) == {"admitted": 1, "superseded": 1}
