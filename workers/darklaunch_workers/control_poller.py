"""The launches as Redis knows them, looked at twice a second for as long as the process runs."""

import logging
import time

import anyio
from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.launch.states import POLL_S, LaunchStates
from darklaunch_shared.redis.client import AsyncRedisClient
from redis.exceptions import RedisError

log = logging.getLogger("darklaunch.worker")


class LaunchPoller:
    """`names` are the launches there were at the last look that succeeded, damaged ones included."""

    def __init__(self, redis: AsyncRedisClient) -> None:
        self.names: frozenset[str] = frozenset()
        self._redis = redis
        self._view = LaunchStates()
        self._away = False
        self._broken: dict[str, str] = {}

    def state(self, name: str) -> LaunchState | None:
        """Give a launch's state; None when it is damaged, gone, or could not be read for 30 s."""
        return self._view.states(time.monotonic()).get(name)

    async def watch(self) -> None:
        """Look again and again. Never waits longer after a failure: a stop must be seen as soon as Redis is back."""
        while True:
            await self.look()
            await anyio.sleep(POLL_S)

    async def look(self) -> None:
        """Look once. A look that fails changes nothing, except that what is known grows old."""
        try:
            await self._read()
            self._tell_return()
        except (RedisError, OSError) as error:
            self._view.restart()
            self._tell_absence(error)
        except Exception:
            self._view.restart()
            log.exception("the launches could not be read")

    async def _read(self) -> None:
        more = True
        while more:
            pipeline = self._redis.pipeline(transaction=False)
            for command in self._view.commands():
                pipeline.execute_command(*command)
            more = self._view.feed(await pipeline.execute(raise_on_error=False), time.monotonic())
        broken = self._view.broken()
        self.names = frozenset(self._view.states(time.monotonic())) | frozenset(broken)
        for name in broken.keys() - self._broken.keys():
            log.error("launch %s waits: %s", name, broken[name])
        self._broken = dict(broken)

    def _tell_absence(self, error: RedisError | OSError) -> None:
        if not self._away:
            log.warning("Redis does not answer (%s); trying again until it does", error)
        self._away = True

    def _tell_return(self) -> None:
        if self._away:
            log.warning("Redis answers again")
        self._away = False
