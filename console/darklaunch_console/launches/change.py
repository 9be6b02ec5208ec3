"""How a command changes a launch: find it, record the change in Postgres, publish it to Redis for hooks and workers."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from typing import Any

from darklaunch_comparator.errors import LaunchChanged, LaunchUnknown
from darklaunch_comparator.store.launches import LaunchAct, LaunchRecord, get_launch, list_launches, update_launch
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchState, is_held
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.publish import publish_launch
from redis.exceptions import RedisError

from darklaunch_console.errors import ConsoleError, NoSuchLaunch, ServerUnreachable
from darklaunch_console.stores.installation import refuse_other_redis
from darklaunch_console.stores.postgres import Connection


class LaunchNotRecorded(ConsoleError):
    """Redis carries a launch that this Postgres does not record."""


class ChangeNotPublished(ServerUnreachable):
    """The change is recorded in Postgres, but could not be published to Redis."""


class ConflictingChange(ConsoleError):
    """Somebody else changed the launch after it was read and before our change was recorded."""


@dataclass(frozen=True, slots=True)
class CurrentLaunch:
    """A launch before a change: the record in Postgres, and the hold and revision that Redis carries (−1: none).

    `held_by` and `held_why` say who set the hold and why; "" where nobody noted it.
    """

    record: LaunchRecord
    held: bool
    published_revision: int
    held_by: str = ""
    held_why: str = ""

    @property
    def state(self) -> LaunchState:
        """The launch as recorded."""
        return self.record.state

    @property
    def held_somewhere(self) -> bool:
        """True if the emergency stop is set, in the record or on Redis alone."""
        return self.held or self.state.hold


def find_launch(redis: RedisClient, connection: Connection, name: str) -> CurrentLaunch:
    """Return the launch of this name. Raises NoSuchLaunch, LaunchNotRecorded, or WrongInstallation."""
    refuse_other_redis(redis, connection)
    revision, hold, by, why = read_published(redis, name)
    try:
        record = get_launch(connection, name)
    except LaunchUnknown:
        if revision >= 0:
            raise LaunchNotRecorded(
                f'the launch "{name}" is on this Redis, but not in this Postgres: it may be recorded in another '
                f"database. `darklaunch rollback {name}` stops it"
            ) from None
        raise NoSuchLaunch(name, list_launch_names(connection)) from None
    return CurrentLaunch(record, hold, revision, held_by=by, held_why=why)


def change_launch(
    redis: RedisClient, connection: Connection, before: CurrentLaunch, act: LaunchAct, **changes: Any
) -> LaunchRecord:
    """Record a change and its event, then publish it; `hold=False` lifts the emergency stop.

    Raises ConflictingChange when somebody else changed the launch after `before` was read, ChangeNotPublished when the
    change is recorded but Redis cannot be reached.
    """
    name, revision = before.state.name, before.state.revision
    try:
        record = update_launch(connection, name, act, above=before.published_revision, only_at=revision, **changes)
    except LaunchChanged:
        raise ConflictingChange(
            f"somebody else changed {name} at the same moment. Look with `darklaunch show {name}`, then try again"
        ) from None
    connection.commit()
    publish_change(redis, record, lift_hold=changes.get("hold") is False)
    return record


def publish_change(redis: RedisClient, record: LaunchRecord, *, lift_hold: bool) -> None:
    """Publish a recorded launch to Redis. Raises ChangeNotPublished when Redis cannot be reached."""
    try:
        publish_launch(redis, record.state, lift_hold=lift_hold)
    except (RedisError, OSError) as error:
        raise ChangeNotPublished(
            f"the change of {record.state.name} is recorded in Postgres, but Redis did not take it ({error}): hooks "
            "and workers go on as before, until a comparator publishes it"
        ) from error


def list_launch_names(connection: Connection) -> list[str]:
    """Return the names of all recorded launches."""
    return [record.state.name for record in list_launches(connection)]


def read_published(redis: RedisClient, name: str) -> tuple[int, bool, str, str]:
    """Return the revision (−1: not published) and the hold that hooks and workers see, with who set it and why."""
    revision, hold, by, why = redis.execute_command(
        "HMGET", keys.launch(name), keys.STATE_REVISION, keys.STATE_HOLD, keys.STATE_HOLD_BY, keys.STATE_HOLD_WHY
    )
    number = int(revision) if revision and revision.isdigit() else -1
    return number, is_held(hold), (by or b"").decode(errors="replace"), (why or b"").decode(errors="replace")


def current_actor() -> str:
    """Return who acts, as events name it: `user@host`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
