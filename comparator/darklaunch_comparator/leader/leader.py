"""The one comparator that also looks after the whole: whoever holds the advisory lock of the database.

It runs on a thread of its own with blocking clients. Everything it writes to Postgres goes over the connection that
holds the lock, so a leader that lost the lock with its connection writes nothing more; what it writes to Redis is
guarded by revisions.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from darklaunch_shared.process.backoff import Backoff
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.client import RedisClient, connect
from darklaunch_shared.redis.errors import explain_redis_error
from psycopg import Connection
from redis.exceptions import RedisError

from darklaunch_comparator.settings import ComparatorSettings
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.explain_error import explain_postgres_error
from darklaunch_comparator.store.server import try_to_lead
from darklaunch_comparator.store.write_batch import prepare_connection

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
JANITOR_EVERY_S: Final = 60.0

log = logging.getLogger("darklaunch.comparator")


@dataclass(slots=True)
class LeaderDuty:
    """Something the leader does again and again."""

    name: str
    every_s: float
    act: Callable[[Connection[Any], RedisClient], None]
    due_s: float = 0.0
    failing: bool = False


class Leader:
    """Waits to become the leader, and does its duties while it is. `leading` says whether it is now."""

    def __init__(self, settings: ComparatorSettings) -> None:
        self.leading = False
        self._settings = settings
        self._halt = threading.Event()
        self._courier = NotificationSender(settings, lambda: self.leading)
        self._thread = threading.Thread(target=self._run, name="darklaunch-leader", daemon=True)

    def start(self) -> None:
        """Start waiting."""
        self._thread.start()
        self._courier.start()

    def stop(self) -> None:
        """Have it end; the lock is free as soon as the duty under way has."""
        self._halt.set()
        self._courier.stop()

    def join(self, timeout_s: float) -> None:
        """Wait for the end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        backoff = Backoff()
        redis = connect(self._settings.redis_url, client_name="darklaunch-leader")
        while not self._halt.is_set():
            try:
                with connect_store(self._settings.database_url, name="darklaunch-leader") as connection:
                    self._attend(connection, redis, backoff)
            except Exception as error:
                if backoff.failures == 0:
                    told = (
                        explain_postgres_error(error, self._settings.database_url).text
                        if isinstance(error, psycopg.Error)
                        else error
                    )
                    log.warning("%s. Nobody leads from here until this passes.", told, exc_info=not _expected(error))
            self.leading = False
            self._halt.wait(backoff.next_s())
        redis.close()

    def _attend(self, connection: Connection[Any], redis: RedisClient, backoff: Backoff) -> None:
        duties: list[LeaderDuty] = []
        while not self._halt.is_set():
            if not self.leading:
                self.leading = try_to_lead(connection)
                if self.leading:
                    log.info("leading from now on")
                    crash_point("leader.elected")
                    prepare_connection(connection)
                    duties = self._duties()
            backoff.reset()
            for duty in duties:
                if time.monotonic() >= duty.due_s and not self._halt.is_set():
                    duty.due_s = time.monotonic() + duty.every_s
                    self._do(duty, connection, redis)
            self._halt.wait(TICK_S)

    def _do(self, duty: LeaderDuty, connection: Connection[Any], redis: RedisClient) -> None:
        try:
            duty.act(connection, redis)
        except Exception as error:
            if isinstance(error, psycopg.Error) and connection.closed:
                raise
            if not duty.failing:
                told = (
                    explain_redis_error(error, self._settings.redis_url)
                    if isinstance(error, RedisError | OSError)
                    else error
                )
                log.warning("%s waits: %s", duty.name, told, exc_info=not _expected(error))
            duty.failing = True
        else:
            if duty.failing:
                log.warning("%s goes on", duty.name)
            duty.failing = False

    def _duties(self) -> list[LeaderDuty]:
        settings = self._settings
        gaps = LostExchangeDetector(settings.gap_after_s)
        judge = Judge(settings.retention_days, grace_ms=round(settings.judge_grace_s * 1000))
        return [
            LeaderDuty("publishing control state", CONTROL_EVERY_S, ControlSync().reconcile),
            LeaderDuty("copying the producers' counters", PRODUCERS_EVERY_S, ProducerCounterSync().copy),
            LeaderDuty("learning noise", NOISE_EVERY_S, NoiseLearner().learn),
            LeaderDuty("judging", JUDGE_EVERY_S, judge.judge_launches),
            LeaderDuty("copying the apps' route tables", ROUTES_EVERY_S, RouteTableSync(settings.retention_days).copy),
            LeaderDuty("housekeeping", JANITOR_EVERY_S, Cleanup(settings.retention_days).tidy),
            LeaderDuty("looking for lost exchanges", settings.gap_every_s, gaps.look),
        ]


def _expected(error: Exception) -> bool:
    return isinstance(error, psycopg.Error | RedisError | OSError)
