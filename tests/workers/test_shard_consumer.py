"""One shard of a launch: each exchange ends once, whatever happens to its worker, its Redis or its shadow."""

import time
from collections import Counter
from functools import partial
from itertools import pairwise
from typing import Any

import anyio
import pytest
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.consumer import MAX_DELIVERIES, GroupConsumer
from darklaunch_shared.wire.dead_letter import unpack_dead_letter
from darklaunch_shared.wire.fields import Fields, pair_fields
from darklaunch_shared.wire.replay import ShadowError
from darklaunch_workers.protection.limits import OUTAGE_FAILURES

from tests.support.pack_exchange import pack_exchange
from tests.support.workers import (  # fmt: skip  # fmt: skip
    ReceivedRequest,
    admit_many,
    connected,
    count_waiting,
    format_response,
    make_exchange,
    publish,
    read_drop_reasons,
    read_ledger,
    read_outcomes,
    read_replays,
    running_shadow,
    running_worker,
    wait_until,
    worker_process,
)

pytestmark = pytest.mark.anyio

LEASE_S = 1.5


async def test_broken_entries_are_buried_and_hold_nobody_up(url: str, redis: RedisClient, launch_name: str) -> None:
    stream = keys.captures(launch_name)
    redis.execute_command("XADD", stream, "*", "hello", "world")
    redis.execute_command(
        "XADD", stream, "*", "v", "1", "id", "abcd1234:77", "meta", "{", "request", "", "response", ""
    )
    async with running_shadow() as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        strangers = pack_exchange(make_exchange("another-launch", 78))
        redis.execute_command("XADD", stream, "*", *flat(strangers))
        redis.execute_command("XADD", stream, "*", *flat({b"%d" % at: b"" for at in range(5000)}))
        padded = {**{b"%d" % at: b"" for at in range(5000)}, **pack_exchange(make_exchange(launch_name, 79))}
        redis.execute_command("XADD", stream, "*", *flat(padded))
        admit_many(redis, launch_name, 1, 1)
        await wait_until(lambda: count_waiting(redis, launch_name) == 0)
    letters = redis.execute_command("XRANGE", keys.dead(launch_name), "-", "+")
    reasons = [unpack_dead_letter(pair_fields(fields)).reason for _, fields in letters]
    assert sorted(reason[:28] for reason in reasons) == [
        "the entry belongs to the lau", "the entry has version b'none", "the entry has version b'none",
        "the entry's meta is not JSON",
    ]  # fmt: skip
    assert strangers in [unpack_dead_letter(pair_fields(fields)).fields for _, fields in letters]
    assert read_ledger(redis, launch_name) == {"admitted": 1, "foreign": 2, "dead": 2, "replayed": 2}
    assert read_drop_reasons(redis, launch_name) == ["dead", "dead"]
    assert len(shadow.received) == len(read_replays(redis, launch_name)) == 2


def flat(fields: Fields) -> list[bytes]:
    return [part for pair in fields.items() for part in pair]


async def test_exchanges_wait_while_the_next_stream_is_full(url: str, redis: RedisClient, launch_name: str) -> None:
    full = keys.replays(launch_name)
    for _ in range(2):
        redis.execute_command("XADD", full, "*", "filler", "")
    async with running_shadow() as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin, max_entries=2))
        publish(redis, f"{launch_name}-other", LaunchSpec(shadow.origin, max_entries=2))
        for name in (launch_name, f"{launch_name}-other"):
            admit_many(redis, name, 1, 1)
        await wait_until(lambda: len(read_outcomes(redis, f"{launch_name}-other")) == 1)
        await anyio.sleep(0.3)
        assert count_waiting(redis, launch_name) == 1
        redis.execute_command("DEL", full)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 1)


async def test_no_more_is_sent_than_the_rate_allows(url: str, redis: RedisClient, launch_name: str) -> None:
    async with running_shadow() as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin, max_rps=20))
        admit_many(redis, launch_name, 1, 30)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 30)
    # A burst of two is allowed; the first may be long on its way, and those behind it keep to their own times.
    assert shadow.received[-1].at_s - shadow.received[0].at_s >= 15 / 20


async def test_a_killed_workers_exchanges_are_replayed_by_another(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    released = anyio.Event()

    async def respond(_request: ReceivedRequest) -> bytes:
        await released.wait()
        return format_response()

    async with running_shadow(respond) as shadow:
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 1, 6)
        with worker_process(url, concurrency=3, lease_s=LEASE_S) as process:
            await wait_until(lambda: len(shadow.received) == 3)
            process.kill()
            process.wait()
        released.set()
        async with running_worker(url, lease_s=LEASE_S):
            await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 6)
    assert len({replay.exchange.id for replay in read_replays(redis, launch_name)}) == 6
    assert sorted(Counter(request.exchange_id for request in shadow.received).values()) == [
        1,
        1,
        1,
        2,
        2,
        2,
    ]
    assert read_ledger(redis, launch_name) == {"admitted": 6, "replayed": 6}


async def test_an_exchange_no_worker_survives_is_buried(url: str, redis: RedisClient, launch_name: str) -> None:
    stream = keys.captures(launch_name)
    admit_many(redis, launch_name, 1, 2)
    redis.execute_command("XGROUP", "CREATE", stream, keys.WORKER_GROUP, "0")
    reply = redis.execute_command("XREADGROUP", "GROUP", keys.WORKER_GROUP, "died", "COUNT", 1, "STREAMS", stream, ">")
    entry_id = reply[0][1][0][0]
    often = ("IDLE", 60_000, "RETRYCOUNT", MAX_DELIVERIES, "JUSTID")
    claim = ("XCLAIM", stream, keys.WORKER_GROUP, "died", 0, entry_id, *often)
    redis.execute_command("EVAL", "return redis.call(unpack(ARGV))", 0, *claim)
    async with running_shadow() as shadow, running_worker(url, lease_s=LEASE_S):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        await wait_until(lambda: count_waiting(redis, launch_name) == 0)
    assert len(shadow.received) == 1
    assert read_drop_reasons(redis, launch_name) == ["dead"]
    assert redis.execute_command("XLEN", keys.dead(launch_name)) == 1
    assert read_ledger(redis, launch_name) == {"admitted": 2, "replayed": 1, "dead": 1}


async def test_a_lease_is_extended_while_a_replay_takes_long(url: str, redis: RedisClient, launch_name: str) -> None:
    async def respond(_request: ReceivedRequest) -> bytes:
        await anyio.sleep(2.5)
        return format_response()

    async with running_shadow(respond) as shadow, running_worker(url, lease_s=0.8), running_worker(url, lease_s=0.8):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 1, 2)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 2)
    assert len(shadow.received) == 2
    assert read_ledger(redis, launch_name) == {"admitted": 2, "replayed": 2}


async def test_a_flushed_redis_is_taken_up_again(url: str, redis: RedisClient, launch_name: str) -> None:
    async def respond(_request: ReceivedRequest) -> bytes:
        await anyio.sleep(0.05)
        return format_response()

    async with running_shadow(respond) as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 1, 200)
        await wait_until(lambda: len(shadow.received) > 20)
        redis.execute_command("FLUSHALL")
        redis.execute_command("SCRIPT FLUSH")
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 201, 50)
        await wait_until(lambda: ids(redis, launch_name) >= set(range(201, 251)))
        await wait_until(lambda: count_waiting(redis, launch_name) == 0)
    assert read_ledger(redis, launch_name)["replayed"] == len(read_outcomes(redis, launch_name))


def ids(redis: RedisClient, launch: str) -> set[int]:
    return {int(replay.exchange.id.partition(":")[2]) for replay in read_replays(redis, launch)}


async def test_connections_cut_by_redis_are_made_anew(own_valkey: Any, launch_name: str) -> None:
    async with running_shadow() as shadow, running_worker(own_valkey.url):
        with connected(own_valkey.url) as redis:
            publish(redis, launch_name, LaunchSpec(shadow.origin))
            admit_many(redis, launch_name, 1, 1)
            await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 1)
            redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            admit_many(redis, launch_name, 2, 1)
            await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 2)


async def test_what_is_still_in_hand_is_not_sent_again_when_its_lease_ran_out(
    url: str, redis: RedisClient, launch_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis may be away until a lease is over; then this worker's own claim can come before its extension."""

    async def forget(*_: object) -> None:
        pass

    async def slow(_request: ReceivedRequest) -> bytes:
        await anyio.sleep(0.9)
        return format_response()

    monkeypatch.setattr(GroupConsumer, "extend", forget)
    async with running_shadow(slow) as shadow, running_worker(url, lease_s=0.5):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 1, 1)
        await wait_until(lambda: len(read_replays(redis, launch_name)) == 1)
        assert len(shadow.received) == 1


async def test_a_broken_shadow_gets_one_probe_a_second(url: str, redis: RedisClient, launch_name: str) -> None:
    async def hang_up(_request: ReceivedRequest) -> bytes:
        return b""

    async def recovered(_request: ReceivedRequest) -> bytes:
        return format_response()

    async with running_shadow(hang_up) as shadow, running_worker(url, concurrency=4):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 1, 100)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) >= OUTAGE_FAILURES)
        failed_s = time.monotonic()
        await anyio.sleep(0.2)
        before, since_s = len(shadow.received), time.monotonic()
        assert before < OUTAGE_FAILURES + 4 + (since_s - failed_s)
        await wait_until(lambda: len(shadow.received) > before)
        await anyio.sleep(1.5)
        probes = len(shadow.received) - before
        assert probes <= time.monotonic() - since_s + 2  # one that was late on its way may have the next behind it
        assert count_waiting(redis, launch_name) >= 100 - before - probes
        shadow.respond = recovered
        await wait_until(lambda: count_waiting(redis, launch_name) == 0)
    assert len(read_replays(redis, launch_name)) == 100


async def test_a_shadow_that_is_busy_and_then_hangs_holds_no_other_replay_up(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    """Three replays hang, more than the limit that the 503s left: the rest goes on beside them."""

    async def respond(request: ReceivedRequest) -> bytes:
        if request.target == "/busy":
            return format_response(503, b"", "retry-after: 1")
        if request.target == "/hangs":
            await anyio.sleep_forever()
        return format_response()

    async with running_shadow(respond) as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 1, 60, target="/busy")
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 60)
        admit_many(redis, launch_name, 61, 3, target="/hangs")
        await wait_until(lambda: sum(request.target == "/hangs" for request in shadow.received) >= 2)
        admit_many(redis, launch_name, 64, 200)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 263)
    outcomes = read_replays(redis, launch_name)
    errors = [at for at, outcome in enumerate(outcomes) if isinstance(outcome.shadow, ShadowError)]
    assert len(errors) == 3
    assert min(errors) >= 255, "the others waited for what hung"
    assert sum(request.target == "/hangs" for request in shadow.received) == 3


async def test_what_a_hook_hands_over_in_bursts_reaches_the_shadow_one_after_the_other(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async with running_shadow() as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 1, 1)
        await wait_until(lambda: len(shadow.received) == 1)
        together = 0
        for attempt in range(5):  # unpaced they always come together, paced only where this process had to wait
            known = 1 + 60 * attempt
            for burst in range(10):
                admit_many(redis, launch_name, 1 + known + 6 * burst, 6)
                await anyio.sleep(0.1)
            await wait_until(partial(has_outcomes, redis, launch_name, known + 60))
            times_s = [request.at_s for request in shadow.received[known:]]
            together = sum(later_s - earlier_s < 0.003 for earlier_s, later_s in pairwise(times_s))
            if together < 30:
                break
    assert together < 30, f"{together} of 60 requests came right after another"


def has_outcomes(redis: RedisClient, launch: str, count: int) -> bool:
    return len(read_outcomes(redis, launch)) == count
