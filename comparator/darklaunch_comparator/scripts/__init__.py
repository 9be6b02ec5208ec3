"""The leader's own Lua scripts. Each file's header says its keys, arguments, return value, and why."""

from functools import cache
from importlib.resources import files
from typing import Any

from darklaunch_shared.connect import Client
from redis.exceptions import ResponseError


def run_script(redis: Client, name: str, key: str, *args: str | bytes | int) -> Any:
    """Run one of the scripts on one key. They run seldom, so they are sent whole. Raises RedisError."""
    text = _text(name)
    try:
        return redis.execute_command("EVAL", text, 1, key, *args)
    except ResponseError as refused:
        if not text.startswith("#!") or "compiling script" not in str(refused):
            raise
        return redis.execute_command("EVAL", text.partition("\n")[2], 1, key, *args)  # Redis 6.2 knows no first line


@cache
def _text(name: str) -> str:
    return files(__name__).joinpath(f"{name}.lua").read_text()
