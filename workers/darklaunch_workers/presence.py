"""This process among the others: it says that it is alive, and counts who else is."""

import logging
from collections.abc import Callable
from itertools import chain, repeat
from typing import Any, Final

import anyio
from darklaunch_shared import keys
from darklaunch_shared.redis.client import AsyncRedisClient
from darklaunch_shared.redis.presence import HEARTBEAT_S, heartbeat, read_alive
from darklaunch_shared.redis.script_calls import ScriptCaller
from darklaunch_shared.wire.fields import pair_fields
from redis.exceptions import RedisError

FIRST_S: Final = (0.2, 1.0)
"""Waits before the second and third heartbeat: processes started together learn of one another soon."""

log = logging.getLogger("darklaunch.worker")


class WorkerPresence:
    """`workers` is how many worker processes are alive, this one included; launches share their rates by it."""

    def __init__(self, redis: AsyncRedisClient, identity: str, about: Callable[[], dict[str, Any]]) -> None:
        self.workers = 1
        self._redis, self._identity, self._about = redis, identity, about
        self._scripts = ScriptCaller(redis)

    async def beat(self) -> None:
        """Say it and count, for ever. While Redis does not answer, the last count holds."""
        for pause_s in chain(FIRST_S, repeat(HEARTBEAT_S)):
            try:
                await self._scripts.call(heartbeat(keys.WORKERS, self._identity, self._about()))
                self.workers = max(1, await self._count())
            except (RedisError, OSError) as error:
                log.debug("no heartbeat: %s", error)
            except Exception:
                log.exception("no heartbeat")
            await anyio.sleep(pause_s)

    async def sign_off(self) -> None:
        """Take this process off the list."""
        try:
            await self._redis.execute_command("HDEL", keys.WORKERS, self._identity)
        except (RedisError, OSError) as error:
            log.debug("not signed off: %s", error)

    async def _count(self) -> int:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.execute_command("HGETALL", keys.WORKERS)
        pipeline.execute_command("TIME")
        stored, (seconds, micros) = await pipeline.execute()
        return len(read_alive(pair_fields(stored), int(seconds) * 1000 + int(micros) // 1000))
