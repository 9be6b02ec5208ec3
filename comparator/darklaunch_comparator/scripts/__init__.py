"""The leader's own Lua scripts. Each file's header says its keys, arguments, return value, and why."""

from functools import cache
from importlib.resources import files
from typing import Any

from darklaunch_shared.connect import Client


def run_script(redis: Client, name: str, key: str, *args: str | bytes | int) -> Any:
    """Run one of the scripts on one key. They run seldom, so they are sent whole. Raises RedisError."""
    return redis.execute_command("EVAL", _text(name), 1, key, *args)


@cache
def _text(name: str) -> str:
    return files(__name__).joinpath(f"{name}.lua").read_text()
