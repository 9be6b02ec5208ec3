"""Call the Lua scripts: the one module that sends EVALSHA, for asyncio and for blocking clients.

A server that has lost a script is sent it again. A server older than Redis 7 refuses the scripts' first line and gets
them without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import NoScriptError, RedisError, ResponseError

from darklaunch_shared.scripts import LuaScript, load

from .client import AsyncRedisClient, RedisClient

Argument = str | bytes | int | float


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """One call of a script: its name, and the KEYS and ARGV its header describes."""

    script: str
    keys: tuple[str, ...]
    args: Sequence[Argument]


class ScriptCaller:
    """Calls scripts on an asyncio client, many in one round trip."""

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
        """Run calls in one pipeline and return the replies, errors among them. Raises RedisError if that fails."""
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
            if not _is_flag_line_unknown(refused):
                raise
            script = load(name, flags=False)
            await self._redis.execute_command("SCRIPT LOAD", script.text)
        return script


def preload_scripts(*names: str) -> None:
    """Read scripts from disk now, so that calling them later opens no file."""
    for name in names:
        load(name)


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
        if not _is_flag_line_unknown(refused):
            raise
        return redis.execute_command("EVAL", load(call.script, flags=False).text, *arguments)


def write_even_if_full(redis: RedisClient, command: str, key: str, *args: Argument) -> Any:
    """Run one command that writes launch state, on a full server too. Raises RedisError."""
    return call_script(redis, ScriptCall("write_even_if_full", (key,), (command, *args)))


def _is_flag_line_unknown(error: ResponseError) -> bool:
    return "compiling script" in str(error) and "#" in str(error)
