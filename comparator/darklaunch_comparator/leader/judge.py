"""The duty of judging: every active or paused launch gets its turn, in which its closed windows are judged."""

import logging
import time
from collections.abc import Callable
from typing import Any

from darklaunch_shared.launch.spec import LaunchStatus
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.client import RedisClient
from psycopg import Connection

from darklaunch_comparator.errors import BadPolicy, LaunchChanged
from darklaunch_comparator.judging.policy_file import check_policy, read_policy_values
from darklaunch_comparator.store.launches import LaunchRecord, list_launches

from .evidence_rebuild import EvidenceRebuilds
from .judge_actions import publish_if_possible
from .judge_turn import JudgeTurn
from .judge_windows import GRACE_MS, count_in_flight, find_closed_until_ms, read_oldest_in_progress_ms

log = logging.getLogger("darklaunch.comparator")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Judge:
    """Judges every launch that is active or paused. `retention_days` is how long results are kept."""

    def __init__(self, retention_days: int, *, grace_ms: int = GRACE_MS, now_ms: Callable[[], int] = _now_ms) -> None:
        self._retention_s = retention_days * 86_400.0
        self._grace_ms = grace_ms
        self._now_ms = now_ms
        self._rebuilds = EvidenceRebuilds()
        self._logged_problems: dict[str, str] = {}

    def judge_launches(self, connection: Connection[Any], redis: RedisClient) -> None:
        """Judge the closed windows of every launch. Raises psycopg.Error and RedisError."""
        for record in list_launches(connection):
            if record.state.status not in (LaunchStatus.ACTIVE, LaunchStatus.PAUSED):
                continue
            name, problem = record.state.name, ""
            try:
                self.judge_launch(connection, redis, record)
            except BadPolicy as error:
                problem = str(error)
            except LaunchChanged:
                log.info("launch %s: changed while it was judged; it is judged again", name)
            if problem and problem != self._logged_problems.get(name):
                log.error("launch %s is not judged: %s", name, problem)
            self._logged_problems[name] = problem

    def judge_launch(self, connection: Connection[Any], redis: RedisClient, record: LaunchRecord) -> None:
        """Read the closed windows of one launch, decide, act. Raises BadPolicy and LaunchChanged."""
        policy = check_policy(read_policy_values(record.state.spec.policy), retention_s=self._retention_s)
        now_ms = self._now_ms()
        # Before the transaction begins: what is in progress now may be recorded by the time the windows are read.
        oldest_ms = read_oldest_in_progress_ms(redis, record)
        closed_until_ms = find_closed_until_ms(now_ms, oldest_ms, record.state.spec, self._grace_ms)
        turn = JudgeTurn(
            connection,
            redis,
            record,
            policy,
            now_ms=now_ms,
            count_in_flight=lambda: count_in_flight(redis, record),
            rebuilds=self._rebuilds,
        )
        changed_launch = turn.run(closed_until_ms)
        if changed_launch is not None:
            crash_point("judge.committed")
            publish_if_possible(redis, changed_launch)
