"""A launch whose made-up traffic goes through the real store to the real judge, and whose clock the test turns."""

import itertools
from collections.abc import Iterable
from typing import Any, Protocol

from darklaunch_comparator.judging.policy import FailureBudgets, JudgeMode, JudgePolicy, RampStep
from darklaunch_comparator.judging.policy_file import dump_policy_json
from darklaunch_comparator.judging.window import JudgedExchange, window_start_ms
from darklaunch_comparator.leader.judge import Judge
from darklaunch_comparator.results.latency_clock import LatencyClock
from darklaunch_comparator.results.result import ExchangeResult
from darklaunch_comparator.store.judgements import Judgement, read_judgement
from darklaunch_comparator.store.launches import LaunchAct, LaunchEvent, create_launch, get_launch, list_events
from darklaunch_comparator.store.write_batch import write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus, parse_state
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.publish import publish_launch
from darklaunch_shared.wire.fields import pair_fields
from psycopg import Connection

RETENTION_DAYS = 14
QUICK_POLICY = JudgePolicy(
    mode=JudgeMode.AUTO,
    steps=(RampStep(1, 0.05, 100), RampStep(10, 0.02, 200), RampStep(100, 0.01, 300)),
    soak_s=10,
    budgets=FailureBudgets(0.01, 0.01, 0.01),
    endpoint_bound=0.05,
)
"""Promotes and rolls back within about a thousand exchanges."""


class JudgeHarness:
    """One launch under a judge. `now_ms` is the time; it stands still until `advance` or `judge_traffic`."""

    def __init__(
        self, connection: Connection[Any], redis: RedisClient, name: str, policy: JudgePolicy, *, percent: float = 100.0
    ) -> None:
        self.connection = connection
        self.redis = redis
        self.name = name
        spec = LaunchSpec("http://shadow:8000", policy=dump_policy_json(policy))
        record = create_launch(connection, name, spec, LaunchAct("ann", "started"), percent=percent)
        publish_launch(redis, record.state, lift_hold=True)
        self.start_ms = window_start_ms(round(record.created_at.timestamp() * 1000)) + 20_000
        self.now_ms = self.start_ms
        self.judge = self.new_judge()
        self._numbers = itertools.count(1)
        self._writer_cache = WriterCache()

    def new_judge(self) -> Judge:
        return Judge(RETENTION_DAYS, now_ms=lambda: self.now_ms)

    def record(self, exchanges: Iterable[JudgedExchange]) -> list[ExchangeResult]:
        """Record exchanges as a comparator does."""
        results = [self._create_result(exchange) for exchange in exchanges]
        write_batch(self.connection, self.name, results, self._writer_cache)
        return results

    def judge_now(self) -> None:
        """Judge this launch once; launches of other tests have other clocks."""
        record = get_launch(self.connection, self.name)
        if record.state.status in (LaunchStatus.ACTIVE, LaunchStatus.PAUSED):
            self.judge.judge_launch(self.connection, self.redis, record)

    def advance(self, seconds: float) -> None:
        """Pass time, then judge."""
        self.now_ms += round(seconds * 1000)
        self.judge_now()

    def judge_traffic(self, exchanges: Iterable[JudgedExchange], *, every_s: float = 10.0) -> None:
        """Record exchanges as they come, judge every so often, and once more when all windows are closed."""
        every_ms = round(every_s * 1000)
        for start_ms, part in itertools.groupby(exchanges, key=lambda each: each.at_ms // every_ms * every_ms):
            self.record(part)
            self.now_ms = max(self.now_ms, start_ms + every_ms)
            self.judge_now()
        self.advance(20)

    @property
    def state(self) -> LaunchState:
        return get_launch(self.connection, self.name).state

    @property
    def judgement(self) -> Judgement:
        judgement = read_judgement(self.connection, self.name)
        assert judgement is not None
        return judgement

    @property
    def events(self) -> list[LaunchEvent]:
        """The events after the start, oldest first."""
        return list_events(self.connection, self.name, 1000)[::-1][1:]

    @property
    def acts(self) -> list[tuple[str, str]]:
        return [(event.act, event.reason) for event in self.events]

    def _create_result(self, exchange: JudgedExchange) -> ExchangeResult:
        outcome = "shadow_error" if exchange.error else "mismatched" if exchange.mismatched else "matched"
        return ExchangeResult(
            f"abcd1234:{next(self._numbers)}",
            exchange.at_ms,
            exchange.endpoint,
            "GET",
            outcome if exchange.compared or exchange.error else "unverified",
            "timeout" if exchange.error else None,
            200,
            None if exchange.error else 200,
            exchange.primary_ms,
            exchange.shadow_ms,
            "server_timing" if exchange.clock is LatencyClock.HOOK else "client",
            exchange.slow,
            exchange.build,
            clock=exchange.clock and exchange.clock.value,
            baseline_ms=exchange.primary_ms if exchange.clock is LatencyClock.BASELINE else exchange.baseline_ms,
            floor_ms=0.0 if exchange.clock is LatencyClock.WORKER else None,
            compared_share=exchange.compared_share if exchange.compared_share < 1 else None,
        )


class MakeHarness(Protocol):
    """Creates the harness of the test's launch."""

    def __call__(self, policy: JudgePolicy = ..., *, percent: float = ...) -> JudgeHarness: ...


def read_redis_state(harness: JudgeHarness) -> LaunchState:
    """Return the launch as hooks and workers see it."""
    return parse_state(harness.name, pair_fields(harness.redis.execute_command("HGETALL", keys.launch(harness.name))))


def record_doubtful(harness: JudgeHarness, endpoint: str, exchanges: Iterable[JudgedExchange]) -> None:
    """Record exchanges; mismatches at `endpoint` get a signature, first seen at the start, that may be noise."""
    results = harness.record(exchanges)
    ids = [each.exchange_id for each in results if each.outcome == "mismatched" and each.endpoint == endpoint]
    harness.connection.execute(
        "UPDATE darklaunch.result SET signature = 'new' WHERE exchange_id = ANY(%s) AND launch = %s",
        [ids, harness.name],
    )
    harness.connection.execute(
        "INSERT INTO darklaunch.signature (launch, fingerprint, endpoint, title, outcome, parts, count, first_seen, "
        "last_seen) VALUES (%s, 'new', %s, 'x', 'mismatched', '[{\"path\": \"$.at\", \"kind\": \"value\"}]', 1, "
        "to_timestamp(%s), now()) ON CONFLICT DO NOTHING",
        [harness.name, endpoint, harness.start_ms / 1000],
    )
