"""A launch, a clock that is turned by hand, and made-up traffic that goes through the real store to the real judge."""

import itertools
from collections.abc import Iterable
from typing import Any

from darklaunch_comparator.control.publish import publish_launch
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_comparator.judging.policy_file import dump_policy_json
from darklaunch_comparator.judging.window import JudgedExchange, window_start_ms
from darklaunch_comparator.leader.judge import Judge
from darklaunch_comparator.results.result import ExchangeResult
from darklaunch_comparator.store.judgements import Judgement, read_judgement
from darklaunch_comparator.store.launches import LaunchAct, LaunchEvent, create_launch, get_launch, list_events
from darklaunch_comparator.store.write_batch import write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.redis.client import RedisClient
from psycopg import Connection

RETENTION_DAYS = 14


class JudgeHarness:
    """One launch under a judge. `now_ms` is the time; it stands still until `advance` or `judge_traffic`."""

    def __init__(
        self, connection: Connection[Any], redis: RedisClient, name: str, policy: JudgePolicy, *, percent: float = 100.0
    ) -> None:
        self.connection, self.redis, self.name = connection, redis, name
        spec = LaunchSpec("http://shadow:8000", policy=dump_policy_json(policy))
        record = create_launch(connection, name, spec, LaunchAct("ann", "started"), percent=percent)
        publish_launch(redis, record, lift_hold=True)
        self.start_ms = window_start_ms(round(record.created_at.timestamp() * 1000)) + 20_000
        self.now_ms = self.start_ms
        self.judge = self.new_judge()
        self._numbers = itertools.count(1)
        self._memory = WriterCache()

    def new_judge(self) -> Judge:
        return Judge(RETENTION_DAYS, now_ms=lambda: self.now_ms)

    def record(self, seen: Iterable[JudgedExchange]) -> list[ExchangeResult]:
        """Record exchanges, as a comparator does."""
        findings = [self._finding(each) for each in seen]
        write_batch(self.connection, self.name, findings, self._memory)
        return findings

    def judge_now(self) -> None:
        """Have the judge look at this launch once; others have their own time."""
        if (record := get_launch(self.connection, self.name)).state.status in (
            LaunchStatus.ACTIVE,
            LaunchStatus.PAUSED,
        ):
            self.judge.judge_launch(self.connection, self.redis, record)

    def advance(self, seconds: float) -> None:
        """Let time pass, and have the judge look."""
        self.now_ms += round(seconds * 1000)
        self.judge_now()

    def judge_traffic(self, seen: Iterable[JudgedExchange], *, every_s: float = 10.0) -> None:
        """Record exchanges as they come, with a look every so often, and one when all windows are closed."""
        each_ms = round(every_s * 1000)
        for start_ms, part in itertools.groupby(seen, key=lambda each: each.at_ms // each_ms * each_ms):
            self.record(part)
            self.now_ms = max(self.now_ms, start_ms + each_ms)
            self.judge_now()
        self.advance(20)

    @property
    def state(self) -> LaunchState:
        return get_launch(self.connection, self.name).state

    @property
    def known(self) -> Judgement:
        found = read_judgement(self.connection, self.name)
        assert found is not None
        return found

    @property
    def events(self) -> list[LaunchEvent]:
        """What was done, the first first."""
        return list_events(self.connection, self.name, 1000)[::-1][1:]

    @property
    def acts(self) -> list[tuple[str, str]]:
        return [(event.act, event.reason) for event in self.events]

    def _finding(self, seen: JudgedExchange) -> ExchangeResult:
        outcome = "shadow_error" if seen.error else "mismatched" if seen.mismatched else "matched"
        return ExchangeResult(
            f"abcd1234:{next(self._numbers)}",
            seen.at_ms,
            seen.endpoint,
            "GET",
            outcome if seen.compared or seen.error else "unverified",
            "timeout" if seen.error else None,
            200,
            None if seen.error else 200,
            seen.primary_ms,
            seen.shadow_ms,
            "server_timing" if seen.timed else "client",
            seen.slow,
            seen.build,
        )
