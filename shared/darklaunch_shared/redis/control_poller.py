"""Launch state read from Redis twice a second, for as long as a worker or a comparator runs."""

import asyncio
import logging
import time
from collections.abc import Callable

from redis.exceptions import RedisError

from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.launch.states import POLL_S, LaunchStates

from .client import AsyncRedisClient


class LaunchPoller:
    """The launches as Redis last described them.

    `names` are the launches there were at the last successful poll, damaged ones included.
    """

    def __init__(
        self, redis: AsyncRedisClient, log: logging.Logger, *, on_poll: Callable[[], None] | None = None
    ) -> None:
        """Call `on_poll` after each successful poll; what it raises is logged and the next poll reads all again."""
        self.names: frozenset[str] = frozenset()
        self._redis = redis
        self._log = log
        self._on_poll = on_poll
        self._view = LaunchStates()
        self._redis_is_away = False
        self._damaged: frozenset[str] = frozenset()

    def states(self) -> dict[str, LaunchState]:
        """Return the state of every readable launch; none when Redis could not be read for 30 s."""
        return self._view.states(time.monotonic())

    def state(self, launch: str) -> LaunchState | None:
        """Return a launch's state; None when it is damaged, gone, or could not be read for 30 s."""
        return self._view.states(time.monotonic()).get(launch)

    async def run(self) -> None:
        """Poll until cancelled.

        A failure makes no pause longer: an operator's stop must be seen as soon as Redis is back.
        """
        while True:
            await self.poll()
            await asyncio.sleep(POLL_S)

    async def poll(self) -> None:
        """Read what changed. A poll that fails is logged and changes nothing, except that what is known grows old."""
        try:
            await self._read()
            self._log_recovery()
            if self._on_poll is not None:
                self._on_poll()
        except (RedisError, OSError) as error:
            self._view.restart()
            self._log_outage(error)
        except Exception:
            self._view.restart()
            self._log.exception("the launches could not be read from Redis")

    async def _read(self) -> None:
        unfinished = True
        while unfinished:
            pipeline = self._redis.pipeline(transaction=False)
            for command in self._view.commands():
                pipeline.execute_command(*command)
            unfinished = self._view.feed(await pipeline.execute(raise_on_error=False), time.monotonic())
        reasons = self._view.broken()
        for launch in reasons.keys() - self._damaged:
            reason = reasons[launch].removeprefix(f"launch {launch}: ")
            self._log.error("launch %s: %s", launch, reason)
        self._damaged = frozenset(reasons)
        self.names = self._damaged | self.states().keys()

    def _log_outage(self, error: RedisError | OSError) -> None:
        if not self._redis_is_away:
            self._log.warning("Redis does not answer (%s); trying again until it does", error)
        self._redis_is_away = True

    def _log_recovery(self) -> None:
        if self._redis_is_away:
            self._log.warning("Redis answers again")
        self._redis_is_away = False
