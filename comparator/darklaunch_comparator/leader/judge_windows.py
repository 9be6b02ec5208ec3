"""What a judge reads: windows that are closed, whole, and what was seen in each."""

from itertools import groupby
from typing import Any, Final

from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.exchange_ids import list_exchange_ids
from psycopg import Connection

from darklaunch_comparator.control.known_launches import list_shards
from darklaunch_comparator.judging.window import WINDOW_MS, JudgedExchange, window_of
from darklaunch_comparator.store.judgements import read_judged_exchanges
from darklaunch_comparator.store.launches import LaunchRecord

GRACE_MS: Final = 10_000
"""How long after its end a window is closed by default, when nothing captured before is still on its way."""
MOST: Final = 20_000
"""How many exchanges are read at once, unless one window has more."""


def read_windows(
    connection: Connection[Any], launch: str, since_ms: int, until_ms: int, doubtful: frozenset[str] = frozenset()
) -> tuple[list[tuple[int, list[JudgedExchange]]], int]:
    """Read whole windows with what was seen in them, and give where the reading ended: before `until_ms` if much was.

    Windows in which nothing was captured are left out.
    """
    seen = read_judged_exchanges(connection, launch, since_ms, until_ms, MOST + 1, doubtful)
    if len(seen) > MOST:
        cut_ms = window_of(seen[-1].at_ms)
        if cut_ms <= since_ms:  # one window is larger than what is read at once
            until_ms = since_ms + WINDOW_MS
            seen = read_judged_exchanges(connection, launch, since_ms, until_ms, 2**31 - 1, doubtful)
        else:
            until_ms = cut_ms
            seen = [each for each in seen if each.at_ms < cut_ms]
    return [(start, list(each)) for start, each in groupby(seen, key=lambda each: window_of(each.at_ms))], until_ms


def closed_until_ms(now_ms: int, oldest_ms: int | None, spec: LaunchSpec, grace_ms: int = GRACE_MS) -> int:
    """Say until when windows are closed: nothing captured before is still on its way, or it has been for too long.

    `oldest_ms` is when the oldest exchange that is on its way was captured; None when none is.
    """
    longest_ms = round((spec.max_age_s + 5 * spec.lease_s) * 1000)
    until_ms = now_ms - grace_ms
    if oldest_ms is not None:
        until_ms = min(until_ms, max(oldest_ms - grace_ms, now_ms - longest_ms))
    return window_of(until_ms)


def oldest_on_its_way_ms(redis: RedisClient, record: LaunchRecord) -> int | None:
    """Say when the oldest exchange that waits on a stream or is being worked on was put there. Raises RedisError."""
    name, oldest = record.state.name, list[int]()
    for shard in list_shards(record.state.spec):
        for stream in (keys.captures(name, shard), keys.replays(name, shard)):
            first = next(list_exchange_ids(redis, stream, page=1), None)
            oldest += [int(first[0].partition("-")[0])] if first else []
    return min(oldest, default=None)
