"""Exchanges through a running worker: replayed, refused or buried, each accounted for."""

import anyio
import pytest
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.dead_letter import unpack_dead_letter
from darklaunch_shared.wire.fields import Fields, pair_fields
from darklaunch_shared.wire.replay import (
    LatencySource,
    ShadowError,
    ShadowErrorClass,
    ShadowResponse,
    UnreplayedExchange,
)

from tests.support.pack_exchange import pack_exchange
from tests.support.pool import (  # fmt: skip
    Seen,
    admit,
    admit_some,
    eventually,
    exchange,
    http,
    ledger,
    lost,
    outcomes,
    publish,
    replayed,
    shadow,
    waiting,
    working,
)

pytestmark = pytest.mark.anyio


async def test_an_exchange_is_replayed_and_passed_on(url: str, redis: RedisClient, launch_name: str) -> None:
    async def answer(_seen: Seen) -> bytes:
        return http(201, b"from the shadow", "x-of: shadow")

    async with shadow(answer) as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin))
        admit_some(redis, launch_name, 1, 3, target="/orders/%2e%2e/7?q=a%20b", headers=(("x-user", "42"),))
        await eventually(lambda: len(outcomes(redis, launch_name)) == 3)
    first = replayed(redis, launch_name)[0]
    assert isinstance(first.shadow, ShadowResponse)
    assert (first.shadow.response.status, first.shadow.response.body) == (201, b"from the shadow")
    assert (first.shadow.latency_source, first.shadow.attempts) == (LatencySource.CLIENT, 1)
    assert first.exchange.primary.body == b'{"of": "primary"}'
    assert ledger(redis, launch_name) == {"admitted": 3, "replayed": 3}
    assert waiting(redis, launch_name) == 0
    seen = it.seen[0]
    assert (seen.method, seen.target, seen.headers["x-user"]) == ("GET", "/orders/%2e%2e/7?q=a%20b", "42")
    assert seen.headers["x-darklaunch-launch"] == launch_name


async def test_the_latency_and_the_build_that_the_shadow_tells_are_taken(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async def answer(_seen: Seen) -> bytes:
        return http(
            200, b"{}", "server-timing: db;dur=9999, darklaunch;dur=0.001", 'server-timing: darklaunch-build;desc="v42"'
        )

    async with shadow(answer) as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin))
        admit_some(redis, launch_name, 1, 1)
        await eventually(lambda: len(outcomes(redis, launch_name)) == 1)
    (replay,) = replayed(redis, launch_name)
    assert isinstance(replay.shadow, ShadowResponse)
    assert (replay.shadow.latency_source, replay.shadow.response.latency_ms) == (LatencySource.SERVER_TIMING, 0.001)
    assert replay.shadow.build == "v42"


async def test_what_must_not_be_sent_is_dropped_with_its_reason(url: str, redis: RedisClient, launch_name: str) -> None:
    async with shadow() as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin, allow=("POST /search",), skip=("/private/**",)))
        admit(
            redis,
            launch_name,
            exchange(launch_name, 1, method="DELETE"),
            exchange(launch_name, 2, headers=(("X-Darklaunch-Exchange", "eeee:1"),)),
            exchange(launch_name, 3, target="/a b"),
            exchange(launch_name, 4, headers=(("x", "a\r\nhost: elsewhere"),)),
            exchange(launch_name, 5, age_s=301),
            exchange(launch_name, 6, target="/private/me"),
            exchange(launch_name, 7, method="POST", target="/search?q=1", body=b"{}"),
            exchange(launch_name, 8, method="POST", target="/search", body=b"x" * 1_048_577),
        )
        await eventually(lambda: len(outcomes(redis, launch_name)) == 8)
    reasons = {
        outcome.id[-1]: outcome.reason
        for outcome in outcomes(redis, launch_name)
        if isinstance(outcome, UnreplayedExchange)
    }
    assert reasons == {
        "1": "unsafe_method", "2": "loop", "3": "bad_input", "4": "bad_input", "5": "stale", "6": "path",
        "8": "too_large",
    }  # fmt: skip
    (sent,) = it.seen
    assert (sent.method, sent.target, sent.body) == ("POST", "/search?q=1", b"{}")
    assert sent.headers["idempotency-key"]
    assert ledger(redis, launch_name) == {"admitted": 8, "replayed": 1, "dropped": 7}


async def test_broken_entries_are_buried_and_hold_nobody_up(url: str, redis: RedisClient, launch_name: str) -> None:
    stream = keys.captures(launch_name)
    redis.execute_command("XADD", stream, "*", "hello", "world")
    redis.execute_command(
        "XADD", stream, "*", "v", "1", "id", "abcd1234:77", "meta", "{", "request", "", "response", ""
    )
    async with shadow() as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin))
        strangers = pack_exchange(exchange("another-launch", 78))
        redis.execute_command("XADD", stream, "*", *flat(strangers))
        redis.execute_command("XADD", stream, "*", *flat({b"%d" % at: b"" for at in range(5000)}))
        padded = {**{b"%d" % at: b"" for at in range(5000)}, **pack_exchange(exchange(launch_name, 79))}
        redis.execute_command("XADD", stream, "*", *flat(padded))
        admit_some(redis, launch_name, 1, 1)
        await eventually(lambda: waiting(redis, launch_name) == 0)
    letters = redis.execute_command("XRANGE", keys.dead(launch_name), "-", "+")
    reasons = [unpack_dead_letter(pair_fields(fields)).reason for _, fields in letters]
    assert sorted(reason[:28] for reason in reasons) == [
        "the entry belongs to the lau", "the entry has version b'none", "the entry has version b'none",
        "the entry's meta is not JSON",
    ]  # fmt: skip
    assert strangers in [unpack_dead_letter(pair_fields(fields)).fields for _, fields in letters]
    assert ledger(redis, launch_name) == {"admitted": 1, "foreign": 2, "dead": 2, "replayed": 2}
    assert lost(redis, launch_name) == ["dead", "dead"]
    assert len(it.seen) == len(replayed(redis, launch_name)) == 2


def flat(fields: Fields) -> list[bytes]:
    return [part for pair in fields.items() for part in pair]


async def test_a_shadow_that_is_not_there_is_an_outcome(url: str, redis: RedisClient, launch_name: str) -> None:
    async with shadow() as it:
        pass
    async with working(url):
        publish(redis, launch_name, LaunchSpec(it.origin))
        admit_some(redis, launch_name, 1, 1)
        await eventually(lambda: len(outcomes(redis, launch_name)) == 1)
    (replay,) = replayed(redis, launch_name)
    assert isinstance(replay.shadow, ShadowError)
    assert replay.shadow.error is ShadowErrorClass.REFUSED
    assert "\n" not in replay.shadow.detail


async def test_the_shards_of_a_launch_share_its_limit(url: str, redis: RedisClient, launch_name: str) -> None:
    under_way: list[int] = [0]

    async def answer(_seen: Seen) -> bytes:
        under_way.append(under_way[-1] + 1)
        await anyio.sleep(0.05)
        under_way.append(under_way[-1] - 1)
        return http()

    async with shadow(answer) as it, working(url, concurrency=2):
        publish(redis, launch_name, LaunchSpec(it.origin, shards=3))
        for shard in range(3):
            admit(redis, launch_name, exchange(launch_name, 1), exchange(launch_name, 2), shard=shard)
        await eventually(lambda: all(len(outcomes(redis, launch_name, shard)) == 2 for shard in range(3)))
    assert max(under_way) == 2


async def test_a_new_specification_takes_effect(url: str, redis: RedisClient, launch_name: str) -> None:
    async with shadow() as old, shadow() as new, working(url):
        publish(redis, launch_name, LaunchSpec(old.origin))
        admit_some(redis, launch_name, 1, 1)
        await eventually(lambda: len(outcomes(redis, launch_name)) == 1)
        publish(redis, launch_name, LaunchSpec(new.origin))
        for seq in range(2, 42):
            admit_some(redis, launch_name, seq, 1)
            await eventually(lambda seq=seq: len(outcomes(redis, launch_name)) == seq)
            if new.seen:
                break
            await anyio.sleep(0.1)
    assert old.seen
    assert len(new.seen) == 1


async def test_a_launch_that_cannot_be_replayed_waits_alone(url: str, redis: RedisClient, launch_name: str) -> None:
    async with shadow() as it, working(url):
        publish(redis, launch_name, LaunchSpec("ftp://nowhere"))
        publish(redis, f"{launch_name}-good", LaunchSpec(it.origin))
        for name in (launch_name, f"{launch_name}-good"):
            admit_some(redis, name, 1, 3)
        await eventually(lambda: len(outcomes(redis, f"{launch_name}-good")) == 3)
        assert waiting(redis, launch_name) == 3
        publish(redis, launch_name, LaunchSpec(it.origin))
        await eventually(lambda: len(outcomes(redis, launch_name)) == 3)


async def test_exchanges_wait_while_the_next_stream_is_full(url: str, redis: RedisClient, launch_name: str) -> None:
    full = keys.replays(launch_name)
    for _ in range(2):
        redis.execute_command("XADD", full, "*", "filler", "")
    async with shadow() as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin, max_entries=2))
        publish(redis, f"{launch_name}-other", LaunchSpec(it.origin, max_entries=2))
        for name in (launch_name, f"{launch_name}-other"):
            admit_some(redis, name, 1, 1)
        await eventually(lambda: len(outcomes(redis, f"{launch_name}-other")) == 1)
        await anyio.sleep(0.3)
        assert waiting(redis, launch_name) == 1
        redis.execute_command("DEL", full)
        await eventually(lambda: len(outcomes(redis, launch_name)) == 1)


async def test_no_more_is_sent_than_the_rate_allows(url: str, redis: RedisClient, launch_name: str) -> None:
    async with shadow() as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin, max_rps=20))
        admit_some(redis, launch_name, 1, 30)
        await eventually(lambda: len(outcomes(redis, launch_name)) == 30)
    assert it.seen[-1].at_s - it.seen[0].at_s >= 27 / 20  # a burst of two is allowed, and one may be on its way


async def test_a_worker_is_listed_while_it_runs(url: str, redis: RedisClient, launch_name: str) -> None:
    async with shadow() as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin))
        admit_some(redis, launch_name, 1, 1)
        await eventually(lambda: len(outcomes(redis, launch_name)) == 1)
        await eventually(
            lambda: b'"limit"' in b"".join(pair_fields(redis.execute_command("HGETALL", keys.WORKERS)).values())
        )
    assert redis.execute_command("HLEN", keys.WORKERS) == 0
    assert redis.execute_command("XINFO CONSUMERS", keys.captures(launch_name), keys.WORKER_GROUP) == []
