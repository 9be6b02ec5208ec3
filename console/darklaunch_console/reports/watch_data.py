"""One look at a launch: what a frame shows, read at one instant of Postgres, and the backlog of Redis."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any, Final

from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.server import begin_snapshot
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus
from darklaunch_shared.redis.client import RedisClient, connect
from redis.exceptions import RedisError

from darklaunch_console.launches.backlog import LaunchBacklog, count_workers, measure_backlog
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres
from darklaunch_console.stores.processes import list_live_workers
from darklaunch_console.stores.streams import StreamsState, read_streams

from .judgement import JudgedLaunch, read_judged_launch
from .latency import LatencyRow, latencies_to_json, pair_latencies
from .verdict_json import verdict_to_json

REDIS_LIMIT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class WatchData:
    """A look. `backlog` is None where Redis cannot be asked; `latency` has all endpoints together last."""

    judged: JudgedLaunch
    ledger: report_queries.LaunchLedger
    latency: tuple[LatencyRow, ...]
    backlog: LaunchBacklog | None

    @property
    def ended(self) -> bool:
        """True if the launch was promoted or rolled back."""
        return self.judged.state.status in (LaunchStatus.PROMOTED, LaunchStatus.ROLLED_BACK)

    @property
    def news(self) -> tuple[object, ...]:
        """What the launch does and what was judged: a look is worth a line when this differs from the look before."""
        state, summary = self.judged.state, self.judged.summary
        round_number = self.judged.judgement.round_number if self.judged.judgement else 0
        return (state.status, state.percent, state.hold, round_number, summary.get("judged"), summary.get("verdict"))


class WatchReader:
    """Reads one launch again and again."""

    def __init__(self, settings: ConsoleSettings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._redis: RedisClient | None = None
        self._before: tuple[float, StreamsState] | None = None

    def look(self) -> WatchData:
        """Read the launch once. Raises NoSuchLaunch, and ServerUnreachable while Postgres cannot be used."""
        with open_postgres(self._settings) as connection:
            begin_snapshot(connection)
            judged = read_judged_launch(connection, self._name)
            ledger = report_queries.read_launch_ledger(connection, self._name)
            latency = tuple(pair_latencies(report_queries.read_latency(connection, self._name)))
        return WatchData(judged, ledger, latency, self._read_backlog(judged.state))

    def close(self) -> None:
        """Close the connection to Redis."""
        if self._redis is not None:
            self._redis.close()

    def _read_backlog(self, state: LaunchState) -> LaunchBacklog | None:
        """Return what waits, with rates since the look before; the first look has rates of 0."""
        try:
            if self._redis is None:
                url = self._settings.redis_or_default.url
                self._redis = connect(url, client_name="darklaunch-cli", socket_timeout_s=REDIS_LIMIT_S)
            now_s, streams = time.monotonic(), read_streams(self._redis, state)
            workers = count_workers(self._name, list_live_workers(self._redis))
        except (RedisError, OSError, ValueError, TypeError):
            return None
        before_s, before = self._before or (now_s - 1, streams)
        self._before = (now_s, streams)
        return measure_backlog(state, before, streams, max(0.001, now_s - before_s), workers)


def watch_to_json(look: WatchData) -> dict[str, Any]:
    """Return a look as JSON values: the verdict with all it rests on, ledger, backlog, latency in ms."""
    return {
        **verdict_to_json(look.judged),
        "at": look.judged.now,
        "ledger": {**asdict(look.ledger), "balanced": look.ledger.on_its_way >= 0},
        "backlog": None if look.backlog is None else asdict(look.backlog),
        "latency": latencies_to_json(look.latency),
    }
