"""Dead letters on Redis: read them, put one back, delete one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.script_calls import ScriptCall, call_script
from darklaunch_shared.wire.dead_letter import DeadLetter, unpack_dead_letter
from darklaunch_shared.wire.exchange import read_captured_at_ms, read_exchange_id, read_meta
from darklaunch_shared.wire.fields import pair_fields

from darklaunch_console.errors import ConsoleError

PAGE: Final = 20
"""Entries read at once: each may contain two bodies of a megabyte."""

_STREAM_OF: Final = {keys.WORKER_GROUP: keys.captures, keys.COMPARATOR_GROUP: keys.replays}


@dataclass(frozen=True, slots=True)
class StoredDeadLetter:
    """A dead letter and where it is stored. `exchange` is "" if it has no exchange id; `meta` is {} if unreadable."""

    shard: int
    entry_id: str
    exchange: str
    meta: dict[str, Any]
    dead: DeadLetter

    def read_captured_ms(self) -> int | None:
        """Return when it was captured, in milliseconds since the epoch; None when that cannot be read."""
        try:
            return read_captured_at_ms(self.meta)
        except BadEntry:
            return None


def read_dead_letters(redis: RedisClient, state: LaunchState) -> Iterator[StoredDeadLetter]:
    """Yield a launch's dead letters, in each shard the latest first."""
    for shard in range(state.spec.shards):
        until = "+"
        while True:
            page = redis.execute_command("XREVRANGE", keys.dead(state.name, shard), until, "-", "COUNT", PAGE)
            for entry_id, fields in page:
                yield _parse_letter(shard, entry_id.decode(), pair_fields(fields))
            if len(page) < PAGE:
                break
            until = f"({page[-1][0].decode()}"


def find_dead_letter(redis: RedisClient, state: LaunchState, wanted: str) -> StoredDeadLetter:
    """Return a dead letter by its exchange id or its entry id. Raises ConsoleError when there is none."""
    for letter in read_dead_letters(redis, state):
        if wanted in (letter.exchange, letter.entry_id):
            return letter
    raise ConsoleError(f'{state.name} has no dead letter "{wanted}". See `darklaunch dead list {state.name}`')


def retry_dead_letter(redis: RedisClient, state: LaunchState, letter: StoredDeadLetter) -> bool:
    """Put a letter back on the stream it came from; return False if somebody else has done so already.

    Its recorded outcome stays `dead` until the new outcome replaces it. Raises ConsoleError if the letter does not say
    which stream it came from.
    """
    stream_of = _STREAM_OF.get(letter.dead.group)
    if stream_of is None:
        raise ConsoleError(
            f"the dead letter {letter.entry_id} does not say in which group it died, so it cannot go back. "
            f"`darklaunch dead purge {state.name} {letter.entry_id}` deletes it"
        )
    name, shard = state.name, letter.shard
    used, used_id = _locate_use(state.name, letter)
    script_keys = (keys.dead(name, shard), stream_of(name, shard), keys.ledger(name, shard), used)
    return bool(call_script(redis, ScriptCall("retry_dead_letter", script_keys, (letter.entry_id, used_id))))


def _locate_use(launch: str, letter: StoredDeadLetter) -> tuple[str, str]:
    """Return where workers note which entry uses a signed exchange, and its id there; "" for none."""
    captured_ms = letter.read_captured_ms() or 0
    died_in_workers = letter.dead.group == keys.WORKER_GROUP
    return keys.used(launch, letter.shard, captured_ms), letter.exchange if died_in_workers else ""


def delete_dead_letter(redis: RedisClient, state: LaunchState, letter: StoredDeadLetter) -> bool:
    """Delete a letter and its payload; its outcome stays `dead`. Return False if it was deleted already."""
    return bool(redis.execute_command("XDEL", keys.dead(state.name, letter.shard), letter.entry_id))


def is_stale(letter: StoredDeadLetter, state: LaunchState, now_ms: int) -> bool:
    """True if workers would drop a letter at once, because its exchange is older than the launch's max age."""
    captured_ms = letter.read_captured_ms()
    goes_to_workers = letter.dead.group == keys.WORKER_GROUP
    return goes_to_workers and captured_ms is not None and now_ms - captured_ms > state.spec.max_age_s * 1000


def _parse_letter(shard: int, entry_id: str, fields: dict[bytes, bytes]) -> StoredDeadLetter:
    dead = unpack_dead_letter(fields)
    try:
        exchange = read_exchange_id(dead.fields)
    except BadEntry:
        exchange = ""
    try:
        meta = read_meta(dead.fields, keys.META)
    except BadEntry:
        meta = {}
    return StoredDeadLetter(shard, entry_id, exchange=exchange, meta=meta, dead=dead)
