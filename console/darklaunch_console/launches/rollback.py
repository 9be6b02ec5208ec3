"""Roll a launch back. Redis alone is enough to stop it; the record in Postgres follows."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Final

from darklaunch_comparator.control.hold import set_hold
from darklaunch_comparator.errors import StoreError
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_shared import keys
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus, parse_state
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import pair_fields

from darklaunch_console.errors import ConsoleError, NoSuchLaunch, ServerUnreachable
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis

from .change import (
    ChangeNotPublished,
    ConflictingChange,
    LaunchNotRecorded,
    change_launch,
    find_launch,
    list_launch_names,
)

TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class RollbackResult:
    """A launch after its rollback (None: Redis carries it damaged), and why the rollback is not recorded, if so."""

    state: LaunchState | None
    changed: bool
    not_recorded: str = ""


def roll_back_launch(settings: ConsoleSettings, name: str, *, actor: str, reason: str) -> RollbackResult:
    """Stop a launch on Redis, then record that.

    Raises NoSuchLaunch, and ServerUnreachable when Redis cannot be reached: then the rollback is recorded if Postgres
    can be, and the message says which.
    """
    try:
        with open_redis(settings) as redis:
            state, already = hold_launch(redis, name, actor, reason, settings)
    except ServerUnreachable as unreachable:
        consequence = _record_without_redis(settings, name, actor, reason)
        raise ServerUnreachable(f"{unreachable}. {consequence}") from unreachable
    if already:
        return RollbackResult(state, changed=False)
    not_recorded = ""
    try:
        state = _record_rollback(settings, name, actor, reason)
    except ChangeNotPublished:
        state = None  # the hold is set, and a comparator publishes the record
    except LaunchNotRecorded:
        not_recorded = f"{name} is not in this Postgres"
    except ConsoleError as error:
        not_recorded = f"{str(error).rstrip('.')}. The comparator records it when Postgres is back"
    stopped = replace(state, status=LaunchStatus.ROLLED_BACK, hold=True) if state else None
    return RollbackResult(stopped, changed=True, not_recorded=not_recorded)


def hold_launch(
    redis: RedisClient, name: str, actor: str, reason: str, settings: ConsoleSettings
) -> tuple[LaunchState | None, bool]:
    """Set the emergency stop on Redis; return the launch as it was (None: damaged), and True if it was rolled back.

    Raises NoSuchLaunch when it is neither on Redis nor, if Postgres can be asked, recorded.
    """
    stored = pair_fields(redis.execute_command("HGETALL", keys.launch(name)))
    if not stored:
        _check_recorded(redis, name, settings)  # Redis may have lost it, and a comparator would publish it again
    state = None
    with contextlib.suppress(BadLaunch):
        state = parse_state(name, stored)
        if state.hold and state.status is LaunchStatus.ROLLED_BACK:
            return state, True
    set_hold(redis, name, actor, reason, "rolled_back")
    return state, False


def _check_recorded(redis: RedisClient, name: str, settings: ConsoleSettings) -> None:
    names = {member.decode(errors="replace") for member in redis.execute_command("SMEMBERS", keys.LAUNCHES)}
    with contextlib.suppress(ServerUnreachable), open_postgres(settings) as connection:
        recorded = list_launch_names(connection)
        if name in recorded:
            return
        names.update(recorded)
    raise NoSuchLaunch(name, names)


def _record_rollback(settings: ConsoleSettings, name: str, actor: str, reason: str, tries: int = TRIES) -> LaunchState:
    """Record the rollback, if it is not. Raises ConflictingChange when others keep changing the launch."""
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        if before.state.status is LaunchStatus.ROLLED_BACK and before.state.hold:
            return before.state  # a comparator saw the hold and was faster
        act = LaunchAct(actor, "rolled_back", reason)
        try:
            return change_launch(redis, connection, before, act, status=LaunchStatus.ROLLED_BACK, hold=True).state
        except ConflictingChange:
            if tries == 1:
                raise
    return _record_rollback(settings, name, actor, reason, tries - 1)


def _record_without_redis(settings: ConsoleSettings, name: str, actor: str, reason: str) -> str:
    """Record the rollback although Redis cannot be reached; return what that means for the launch."""
    act = LaunchAct(actor, "rolled_back", reason)
    try:
        with open_postgres(settings) as connection:
            update_launch(connection, name, act, status=LaunchStatus.ROLLED_BACK, hold=True)
    except (ConsoleError, StoreError):
        return f"{name} is NOT rolled back. Hooks stop by themselves 30 s after they lose Redis"
    return (
        f"The rollback of {name} is recorded, and the comparator publishes it when Redis is back; "
        "until then hooks that cannot read Redis stop by themselves within 30 s"
    )
