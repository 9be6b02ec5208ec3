"""Which processes are running: each hook, worker and comparator records a heartbeat every 5 s.

The times are the server's, so that machines with different clocks agree on who is alive.
"""

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, repeat
from typing import Any, Final

import orjson
from redis.exceptions import RedisError

from darklaunch_shared.wire.fields import pair_fields

from .client import AsyncRedisClient
from .script_calls import ScriptCall, ScriptCaller

HEARTBEAT_S: Final = 5.0
FIRST_PAUSES_S: Final = (0.2, 1.0)
"""Pauses before the second and third heartbeat: processes that start together soon count one another."""
ALIVE_MS: Final = 15_000


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """A process as it last described itself. `seen_ms` is the server's clock, in milliseconds since the epoch."""

    id: str
    seen_ms: int
    about: dict[str, Any]


class ProcessPresence:
    """This process in a registry, with a description that is written anew with each heartbeat.

    `alive` is how many processes of the registry were alive at the last heartbeat that succeeded, this one included.
    """

    def __init__(
        self,
        redis: AsyncRedisClient,
        registry: str,
        identity: str,
        describe: Callable[[], dict[str, Any]],
        log: logging.Logger,
    ) -> None:
        """`registry` is keys.WORKERS or keys.COMPARATORS; `identity` names this process there."""
        self.alive = 1
        self._redis = redis
        self._scripts = ScriptCaller(redis)
        self._registry = registry
        self._identity = identity
        self._describe = describe
        self._log = log

    async def run(self) -> None:
        """Record a heartbeat and count the processes alive, until cancelled."""
        for pause_s in chain(FIRST_PAUSES_S, repeat(HEARTBEAT_S)):
            try:
                await self._scripts.call(heartbeat(self._registry, self._identity, self._describe()))
                self.alive = max(1, await self._count_alive())
            except (RedisError, OSError) as error:
                self._log.debug("no heartbeat: %s", error)
            except Exception:
                self._log.exception("no heartbeat")
            await asyncio.sleep(pause_s)

    async def sign_off(self) -> None:
        """Remove this process from the registry."""
        try:
            await self._redis.execute_command("HDEL", self._registry, self._identity)
        except (RedisError, OSError) as error:
            self._log.debug("not signed off: %s", error)

    async def _count_alive(self) -> int:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.execute_command("HGETALL", self._registry)
        pipeline.execute_command("TIME")
        records, (seconds, micros) = await pipeline.execute()
        return len(read_alive(pair_fields(records), int(seconds) * 1000 + int(micros) // 1000))


def make_identity() -> str:
    """Return a name for this process that no other process has, on any machine, at any time."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def heartbeat(registry: str, identity: str, about: dict[str, Any]) -> ScriptCall:
    """Return the call that records that this process is alive.

    `registry` is keys.HOOKS, keys.WORKERS or keys.COMPARATORS.
    """
    clock_ms = time.time_ns() // 1_000_000
    description = {"host": socket.gethostname(), "pid": os.getpid(), "clock_ms": clock_ms, **about}
    return ScriptCall("heartbeat", (registry,), (identity, orjson.dumps(description)))


def read_alive(records: dict[bytes, bytes], now_ms: int) -> list[ProcessRecord]:
    """Return the processes of a registry's hash seen within 15 s before the server's `now_ms`.

    Skips damaged records.
    """
    alive: list[ProcessRecord] = []
    for identity, record in sorted(records.items()):
        seen, _, description = record.partition(b" ")
        try:
            about: Any = orjson.loads(description)
            process = ProcessRecord(identity.decode(), int(seen), about)
        except ValueError:
            continue
        if isinstance(about, dict) and now_ms - process.seen_ms <= ALIVE_MS:
            alive.append(process)
    return alive


def own_version() -> str:
    """Return the installed version of darklaunch, "unknown" in a source tree that is not installed."""
    try:
        return version("darklaunch")
    except PackageNotFoundError:
        return "unknown"
