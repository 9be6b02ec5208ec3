"""The one comparator that also does what must be done once for all: whoever holds the database's advisory lock.

It runs on a thread of its own with blocking clients. Everything it writes to Postgres goes over the connection that
holds the lock, so that a leader that lost the lock, with its connection, writes nothing more. What it writes to Redis
is guarded by revisions.
"""

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.client import RedisClient, connect
from darklaunch_shared.redis.errors import explain_redis_error
from psycopg import Connection
from redis.exceptions import RedisError

from darklaunch_comparator.control.installation import join_installation
from darklaunch_comparator.errors import InstallationMismatch
from darklaunch_comparator.settings import ComparatorSettings
from darklaunch_comparator.store.explain_error import explain_postgres_error
from darklaunch_comparator.store.server import try_to_lead
from darklaunch_comparator.store.store_thread import StoreThread
from darklaunch_comparator.store.write_batch import prepare_connection

from .app_binding import AppBinding
from .cleanup import Cleanup
from .control_sync import ControlSync
from .judge import Judge
from .lost_exchanges import LostExchangeDetector
from .noise_learner import NoiseLearner
from .notifications import NotificationSender
from .producer_counters import ProducerCounterSync
from .route_tables import RouteTableSync

TICK_S: Final = 0.5
CONTROL_EVERY_S: Final = 1.0
PRODUCERS_EVERY_S: Final = 2.0
NOISE_EVERY_S: Final = 2.0
JUDGE_EVERY_S: Final = 2.0
ROUTES_EVERY_S: Final = 10.0
CLEANUP_EVERY_S: Final = 60.0

log = logging.getLogger("darklaunch.comparator")


@dataclass(slots=True)
class LeaderDuty:
    """A task of the leader: when it is next due (monotonic clock, s), and whether it failed the last time."""

    name: str
    every_s: float
    run: Callable[[Connection[Any], RedisClient], None]
    due_s: float = 0.0
    failing: bool = False


class Leader:
    """Waits to become the leader, and performs the duties while it is. `leading` is whether it is now."""

    def __init__(self, settings: ComparatorSettings) -> None:
        self.leading = False
        self._settings = settings
        self._check_due_s = 0.0
        self._redis = connect(settings.redis_url, client_name="darklaunch-leader")
        self._duties: list[LeaderDuty] = []
        self._notifications = NotificationSender(settings, lambda: self.leading)
        self._thread = StoreThread(
            settings.database_url, self._tick, name="darklaunch-leader", every_s=TICK_S, on_failure=self._step_down
        )

    def start(self) -> None:
        """Start waiting for the lock."""
        self._thread.start()
        self._notifications.start()

    def stop(self) -> None:
        """Stop, without waiting; the lock is free as soon as the duty in progress has ended."""
        self._thread.stop()
        self._notifications.stop()

    def join(self, timeout_s: float) -> None:
        """Wait for the end, at most `timeout_s`."""
        self._thread.join(timeout_s)
        self._redis.close()

    def _tick(self, connection: Connection[Any]) -> None:
        """Try to become the leader; as the leader, perform the duties that are due.

        Raises InstallationMismatch when this Redis is not the database's: the lock is then free for a comparator that
        has the right one.
        """
        self._check_installation(connection)
        if not self.leading:
            self.leading = try_to_lead(connection)
            if not self.leading:
                return
            log.info("leading from now on")
            crash_point("leader.elected")
            prepare_connection(connection)
            self._duties = self._create_duties()
        for duty in self._duties:
            if time.monotonic() >= duty.due_s and not self._thread.stopping:
                duty.due_s = time.monotonic() + duty.every_s
                self._perform(duty, connection)

    def _check_installation(self, connection: Connection[Any]) -> None:
        if time.monotonic() < self._check_due_s:
            return
        self._check_due_s = time.monotonic() + CONTROL_EVERY_S
        with contextlib.suppress(RedisError, OSError):  # what must be done without Redis is done without it
            join_installation(connection, self._redis)

    def _perform(self, duty: LeaderDuty, connection: Connection[Any]) -> None:
        try:
            duty.run(connection, self._redis)
        except Exception as error:
            if isinstance(error, psycopg.Error) and connection.closed:
                raise  # the lock is gone with the connection
            if not duty.failing:
                reason = (
                    explain_redis_error(error, self._settings.redis_url)
                    if isinstance(error, RedisError | OSError)
                    else error
                )
                log.warning("%s failed and is tried again: %s", duty.name, reason, exc_info=not _is_expected(error))
            duty.failing = True
        else:
            if duty.failing:
                log.warning("%s works again", duty.name)
            duty.failing = False

    def _step_down(self, error: Exception, is_first: bool) -> None:
        self.leading = False
        self._check_due_s = 0.0
        if not is_first:
            return
        if isinstance(error, InstallationMismatch):
            log.error("%s. This comparator does not lead and publishes nothing.", error)
            return
        reason = (
            explain_postgres_error(error, self._settings.database_url).text
            if isinstance(error, psycopg.Error)
            else error
        )
        log.warning(
            "%s. This comparator cannot become leader until Postgres answers; it keeps trying.",
            reason,
            exc_info=not _is_expected(error),
        )

    def _create_duties(self) -> list[LeaderDuty]:
        """Create the duties with nothing remembered: another leader may have worked since the last time."""
        settings = self._settings
        judge = Judge(settings.retention_days, grace_ms=round(settings.judge_grace_s * 1000))
        route_tables = RouteTableSync(settings.retention_days)
        lost_exchanges = LostExchangeDetector(settings.gap_after_s)
        return [
            LeaderDuty("publishing launch states", CONTROL_EVERY_S, ControlSync().reconcile),
            LeaderDuty("choosing the apps of launches", CONTROL_EVERY_S, AppBinding().bind_launches),
            LeaderDuty("copying the producers' counters", PRODUCERS_EVERY_S, ProducerCounterSync().copy_counters),
            LeaderDuty("learning noise", NOISE_EVERY_S, NoiseLearner().learn_noise),
            LeaderDuty("judging", JUDGE_EVERY_S, judge.judge_launches),
            LeaderDuty("copying the apps' route tables", ROUTES_EVERY_S, route_tables.copy_tables),
            LeaderDuty("clean-up", CLEANUP_EVERY_S, Cleanup(settings.retention_days).clean_up),
            LeaderDuty("looking for lost exchanges", settings.gap_every_s, lost_exchanges.find_lost),
        ]


def _is_expected(error: Exception) -> bool:
    return isinstance(error, psycopg.Error | RedisError | OSError)
