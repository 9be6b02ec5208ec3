"""Which windows are closed, and what was captured in each of them."""

from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Any, Final

from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.exchange_ids import list_exchange_ids
from psycopg import Connection
from redis.exceptions import ResponseError

from darklaunch_comparator.control.known_launches import list_shards
from darklaunch_comparator.judging.window import WINDOW_MS, JudgedExchange, window_start_ms
from darklaunch_comparator.store.amendments import NO_AMENDMENTS, Amendments
from darklaunch_comparator.store.judgements import read_judged_exchanges
from darklaunch_comparator.store.launches import LaunchRecord
from darklaunch_comparator.store.noise import NO_DOUBT, DoubtfulMismatches

GRACE_MS: Final = 10_000
"""How long after its end a window closes if nothing captured before is in progress."""
MAX_READ_EXCHANGES: Final = 20_000
"""How many exchanges are read at once, unless one window has more."""
SPAN_MS: Final = 600_000
"""Time span of windows that are read at once."""
_NO_LIMIT: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class JudgedWindow:
    """The exchanges of one window, in order of time. `start_ms` is epoch ms."""

    start_ms: int
    exchanges: list[JudgedExchange]

    @property
    def is_doubtful(self) -> bool:
        """True if a mismatch in it may turn out to be noise."""
        return any(exchange.doubtful for exchange in self.exchanges)

    @property
    def is_held(self) -> bool:
        """True if it waits until that is known."""
        return any(exchange.held for exchange in self.exchanges)

    def without_doubtful(self) -> "JudgedWindow":
        """Return the window without its doubtful mismatches: they are no evidence either way."""
        exchanges = [
            replace(exchange, compared=False, mismatched=False, doubtful=False) if exchange.doubtful else exchange
            for exchange in self.exchanges
        ]
        return JudgedWindow(self.start_ms, exchanges)


def read_windows(
    connection: Connection[Any],
    launch: str,
    since_ms: int,
    until_ms: int,
    *,
    doubtful: DoubtfulMismatches = NO_DOUBT,
    amendments: Amendments = NO_AMENDMENTS,
) -> tuple[list[JudgedWindow], int]:
    """Read whole windows from `since_ms` on, and return them with the time up to which they were read.

    That is `until_ms`, or earlier if there was much to read. Windows in which nothing was captured are left out.
    """

    def read(until_ms: int, limit: int) -> list[JudgedExchange]:
        return read_judged_exchanges(
            connection, launch, since_ms, until_ms, limit=limit, doubtful=doubtful, amendments=amendments
        )

    exchanges = read(until_ms, MAX_READ_EXCHANGES + 1)
    if len(exchanges) > MAX_READ_EXCHANGES:
        last_start_ms = window_start_ms(exchanges[-1].at_ms)
        if last_start_ms <= since_ms:  # the first window alone exceeds the limit, and windows are judged whole
            until_ms = since_ms + WINDOW_MS
            exchanges = read(until_ms, _NO_LIMIT)
        else:
            until_ms = last_start_ms
            exchanges = [exchange for exchange in exchanges if exchange.at_ms < last_start_ms]
    by_window = groupby(exchanges, key=lambda exchange: window_start_ms(exchange.at_ms))
    return [JudgedWindow(start_ms, list(window)) for start_ms, window in by_window], until_ms


def count_in_flight(redis: RedisClient, record: LaunchRecord) -> int:
    """Return how many exchanges workers have claimed and not finished. Raises RedisError."""
    name = record.state.name
    in_flight = 0
    for shard in list_shards(record.state.spec):
        try:
            pending: Any = redis.execute_command("XPENDING", keys.captures(name, shard), keys.WORKER_GROUP)
        except ResponseError:  # no worker has joined this shard yet
            continue
        in_flight += int(pending["pending"])
    return in_flight


def find_closed_until_ms(now_ms: int, oldest_ms: int | None, spec: LaunchSpec, grace_ms: int = GRACE_MS) -> int:
    """Return the time before which windows are closed, epoch ms.

    Nothing captured before it is in progress, or has been for longer than an exchange can take. `oldest_ms` is when
    the oldest exchange in progress was captured; None if there is none.
    """
    longest_ms = round((spec.max_age_s + 5 * spec.lease_s) * 1000)
    until_ms = now_ms - grace_ms
    if oldest_ms is not None:
        until_ms = min(until_ms, max(oldest_ms - grace_ms, now_ms - longest_ms))
    return window_start_ms(until_ms)


def read_oldest_in_progress_ms(redis: RedisClient, record: LaunchRecord) -> int | None:
    """Return when the oldest exchange that is waiting or being processed was added, epoch ms. Raises RedisError."""
    name = record.state.name
    times_ms: list[int] = []
    for shard in list_shards(record.state.spec):
        for stream in (keys.captures(name, shard), keys.replays(name, shard)):
            for entry_id, _ in islice(list_exchange_ids(redis, stream, page=1), 1):
                times_ms.append(int(entry_id.partition("-")[0]))
    return min(times_ms, default=None)
