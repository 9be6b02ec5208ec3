"""Calling the Lua scripts: many calls in one round trip, loaded again when the server has lost them.

Every script is safe to call again after a lost reply: admission knows what it has, finishing is fenced by ownership.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import NoScriptError, RedisError, ResponseError

from darklaunch_shared.process.backoff import Backoff
from darklaunch_shared.scripts import LuaScript, load

from .client import AsyncRedisClient, RedisClient

Argument = str | bytes | int | float

_Waiting = tuple["ScriptCall", asyncio.Future[Any]]

BATCH_CALLS: Final = 64


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """One call of a script."""

    script: str
    keys: tuple[str, ...]
    args: Sequence[Argument]


class ScriptCaller:
    """The scripts as one asyncio client calls them."""

    def __init__(self, redis: AsyncRedisClient) -> None:
        self._redis = redis
        self._loaded: dict[str, LuaScript] = {}

    async def call(self, call: ScriptCall) -> Any:
        """Run one call and return its reply. Raises RedisError."""
        (reply,) = await self.run([call])
        if isinstance(reply, RedisError):
            raise reply
        return reply

    async def run(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """Run calls in one pipeline; an error reply stands in its call's place. Raises RedisError when cut off."""
        replies = await self._send(calls)
        unknown = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            for name in {calls[at].script for at in unknown}:
                self._loaded[name] = await self._load(name)
            again = await self._send([calls[at] for at in unknown])
            for at, reply in zip(unknown, again, strict=True):
                replies[at] = reply
        return replies

    async def _send(self, calls: Sequence[ScriptCall]) -> list[Any]:
        pipeline = self._redis.pipeline(transaction=False)
        for call in calls:
            script = self._loaded.get(call.script) or load(call.script)
            pipeline.execute_command("EVALSHA", script.sha, len(call.keys), *call.keys, *call.args)
        return await pipeline.execute(raise_on_error=False)

    async def _load(self, name: str) -> LuaScript:
        script = load(name)
        try:
            await self._redis.execute_command("SCRIPT LOAD", script.text)
        except ResponseError as refused:
            if not _flag_line_unknown(refused):
                raise
            script = load(name, flags=False)
            await self._redis.execute_command("SCRIPT LOAD", script.text)
        return script


class ScriptQueue:
    """Sends calls until the server took them, together what comes from many tasks while others are under way.

    Only for scripts that may be sent again, because a connection error is answered by sending the batch again. A call
    that a key of another type is in the way of is sent again beside the others, which do not wait for it.
    """

    def __init__(self, scripts: ScriptCaller) -> None:
        self._scripts = scripts
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue()

    async def call(self, call: ScriptCall) -> Any:
        """Wait for the reply of one call. Raises ResponseError when the server refuses it for good."""
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((call, reply))
        return await reply

    async def run(self) -> None:
        """Send what is waiting, for ever."""
        async with asyncio.TaskGroup() as aside:
            while True:
                batch = [await self._waiting.get()]
                while len(batch) < BATCH_CALLS and not self._waiting.empty():
                    batch.append(self._waiting.get_nowait())
                if obstructed := await self._deliver(batch):
                    aside.create_task(self._insist(obstructed))

    async def _insist(self, obstructed: list[_Waiting]) -> None:
        backoff = Backoff()
        while obstructed:
            await asyncio.sleep(backoff.next_s())
            obstructed = await self._deliver(obstructed)

    async def _deliver(self, batch: list[_Waiting]) -> list[_Waiting]:
        """Send calls until the server took them, and give those that a key of another type is in the way of."""
        backoff, obstructed = Backoff(), list[_Waiting]()
        while batch:
            replies: list[Any]
            try:
                replies = await self._scripts.run([call for call, _ in batch])
            except (RedisError, OSError) as error:
                replies = [error] * len(batch)
            again: list[_Waiting] = []
            for (call, future), reply in zip(batch, replies, strict=True):
                if future.done():
                    continue
                if not isinstance(reply, Exception):
                    future.set_result(reply)
                elif is_transient(reply):
                    again.append((call, future))
                elif "WRONGTYPE" in str(reply):
                    obstructed.append((call, future))
                else:
                    future.set_exception(reply)
            batch = again
            if batch:
                await asyncio.sleep(backoff.next_s())
        return obstructed


def call_script(redis: RedisClient, call: ScriptCall) -> Any:
    """Run one call on a blocking client. Raises RedisError."""
    script = load(call.script)
    arguments = (len(call.keys), *call.keys, *call.args)
    try:
        return redis.execute_command("EVALSHA", script.sha, *arguments)
    except NoScriptError:
        pass
    try:
        return redis.execute_command("EVAL", script.text, *arguments)
    except ResponseError as refused:
        if not _flag_line_unknown(refused):
            raise
        return redis.execute_command("EVAL", load(call.script, flags=False).text, *arguments)


def insist(redis: RedisClient, command: str, key: str, *args: Argument) -> Any:
    """Run one command that writes control state, on a full server too. Raises RedisError."""
    return call_script(redis, ScriptCall("insist", (key,), (command, *args)))


def is_transient(error: BaseException) -> bool:
    """Tell whether an error passes by itself: the server is away, loading, failing over, or full."""
    if not isinstance(error, ResponseError):
        return isinstance(error, RedisError | OSError)
    return any(word in str(error) or word in type(error).__name__.upper() for word in _PASSING)


_PASSING: Final = (
    "LOADING", "READONLY", "MISCONF", "CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "NOREPLICAS", "OOM", "OUTOFMEMORY",
    "MAXCLIENTS", "max number of clients", "BUSY", "UNBLOCKED", "NOSCRIPT", "NOPERM", "NOPERMISSION", "NOAUTH",
)  # fmt: skip


def _flag_line_unknown(error: ResponseError) -> bool:
    return "compiling script" in str(error) and "#" in str(error)
