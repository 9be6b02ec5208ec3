"""The Lua scripts of the protocol. Each file's header says its keys, arguments, return value, and why.

A first line `#!lua flags=allow-oom` (Redis 7, Valkey) lets a script run on a full server. Redis 6.2 does not know the
line and does not need it: there a script may go on once it has written. So these scripts begin by freeing memory, or
by deleting a field that does not exist.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Final

NAMES: Final = (
    "acknowledge", "admit", "bury", "claim", "create_group", "extend", "finish", "hand_back", "heartbeat",
    "leave_group", "list_exchange_ids", "mark_hold_recorded", "publish_launch", "restore_hold", "retry_dead_letter",
    "set_hold", "use_once", "write_even_if_full",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LuaScript:
    """A script's text and the digest that EVALSHA calls it by."""

    name: str
    text: str
    sha: str


@cache
def load(name: str, *, flags: bool = True) -> LuaScript:
    """Read a script, once per process. `flags=False` drops its first line, for servers older than Redis 7.

    Raises KeyError for a name that is not in NAMES.
    """
    if name not in NAMES:
        raise KeyError(name)
    text = files(__name__).joinpath(f"{name}.lua").read_text()
    if text.startswith("#!") and not flags:
        text = text.partition("\n")[2]
    return LuaScript(name, text, sha1(text.encode(), usedforsecurity=False).hexdigest())
