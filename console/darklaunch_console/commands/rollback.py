"""`rollback`: stop a launch at once. Redis alone is enough; the record follows."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import click
from darklaunch_comparator.control.hold import set_hold
from darklaunch_comparator.errors import StoreError
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_shared import keys
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus, parse_state
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import pair_fields

from darklaunch_console.errors import ConsoleError, NoSuchLaunch, ServerUnreachable
from darklaunch_console.launches.change import (
    ChangeNotPublished,
    ConflictingChange,
    LaunchNotRecorded,
    change_launch,
    current_actor,
    find_launch,
    launch_as_json,
    list_launch_names,
)
from darklaunch_console.output.screen import WARN, print_json, print_line, print_warning
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis

from .change import acting

TRIES = 5


@click.command()
@acting
@click.pass_obj
def rollback(settings: ConsoleSettings, name: str, reason: str, in_json: bool) -> None:
    """End a launch as a failure: within a second no hook samples and no replay starts, everywhere.

    Needs Redis alone. When Postgres is away, the comparator records the rollback as soon as it is back.
    """
    who = current_actor()
    try:
        with open_redis(settings) as redis:
            state, already = hold(redis, name, who, reason, settings)
    except ServerUnreachable as away:
        raise ServerUnreachable(_without_redis(settings, name, who, reason, str(away))) from away
    recorded, trouble = state, ""
    if not already:
        try:
            recorded = _record(settings, name, who, reason)
        except ChangeNotPublished:
            recorded = None  # the hold is set, and a comparator publishes the record
        except LaunchNotRecorded:
            trouble = f"{name} is not in this Postgres"
        except ConsoleError as away:
            trouble = f"{str(away).rstrip('.')}. The comparator records it when Postgres is back"
    _tell(name, recorded, already, trouble, in_json)


def hold(
    redis: RedisClient, name: str, who: str, reason: str, settings: ConsoleSettings
) -> tuple[LaunchState | None, bool]:
    """Set the emergency stop on Redis; give the launch as it was (None: damaged), True when it was rolled back already.

    Raises NoSuchLaunch when neither Redis nor, as far as it can be asked, the record has it.
    """
    stored = pair_fields(redis.execute_command("HGETALL", keys.launch(name)))
    if not stored:
        _check_recorded(redis, name, settings)  # Redis may have lost it, and would be told of it again
    state = None
    with contextlib.suppress(BadLaunch):
        state = parse_state(name, stored)
        if state.hold and state.status is LaunchStatus.ROLLED_BACK:
            return state, True
    set_hold(redis, name, who, reason, "rolled_back")
    return state, False


def _check_recorded(redis: RedisClient, name: str, settings: ConsoleSettings) -> None:
    names = {member.decode(errors="replace") for member in redis.execute_command("SMEMBERS", keys.LAUNCHES)}
    with contextlib.suppress(ServerUnreachable), open_postgres(settings) as connection:
        recorded = list_launch_names(connection)
        if name in recorded:
            return
        names.update(recorded)
    raise NoSuchLaunch(name, names)


def _record(settings: ConsoleSettings, name: str, who: str, reason: str, tries: int = TRIES) -> LaunchState:
    """Record the rollback, unless it is. Raises ConflictingChange when others keep changing the launch."""
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        if before.state.status is LaunchStatus.ROLLED_BACK and before.state.hold:
            return before.state  # a comparator saw the hold and was faster
        act = LaunchAct(who, "rolled_back", reason)
        try:
            return change_launch(redis, connection, before, act, status=LaunchStatus.ROLLED_BACK, hold=True).state
        except ConflictingChange:
            if tries == 1:
                raise
    return _record(settings, name, who, reason, tries - 1)


def _without_redis(settings: ConsoleSettings, name: str, who: str, reason: str, why: str) -> str:
    """Record the rollback though nobody can be told, and say where that leaves the launch."""
    try:
        with open_postgres(settings) as connection:
            update_launch(
                connection, name, LaunchAct(who, "rolled_back", reason), status=LaunchStatus.ROLLED_BACK, hold=True
            )
    except (ConsoleError, StoreError):
        return f"{why}. {name} is NOT rolled back. Hooks stop by themselves 30 s after they lose Redis"
    return (
        f"{why}. The rollback of {name} is recorded, and the comparator publishes it when Redis is back; "
        "until then hooks that cannot read Redis stop by themselves within 30 s"
    )


def _tell(name: str, state: LaunchState | None, already: bool, trouble: str, in_json: bool) -> None:
    if in_json:
        shown = replace(state, status=LaunchStatus.ROLLED_BACK, hold=True) if state else None
        document = (
            launch_as_json(shown, changed=not already) if shown else {"launch": name, "hold": True, "changed": True}
        )
        print_json({**document, "recorded": not trouble})
    elif already:
        print_line(f"{name} is rolled back already: nothing is mirrored.")
    else:
        print_line(f"{name} is rolled back: within a second nothing is mirrored any more.", style=WARN)
        print_line("  What was on its way is settled as dropped (superseded_by_rollback).")
        print_line(f"  Next: darklaunch report {name}; darklaunch resume {name} mirrors again")
    if trouble:
        print_warning(f"Redis has it, the record has not: {trouble}.")
