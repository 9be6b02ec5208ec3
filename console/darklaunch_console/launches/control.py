"""What every acting command does: find the launch, change the record, publish the copy that hooks and workers obey."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from typing import Any

from darklaunch_comparator.control.publish import publish
from darklaunch_comparator.errors import LaunchChanged, LaunchUnknown
from darklaunch_comparator.store.launches import LaunchAct, LaunchRecord, get_launch, list_launches, update_launch
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.redis.client import RedisClient
from redis.exceptions import RedisError

from darklaunch_console.cli.errors import ConsoleError, NoSuchLaunch, ServerUnreachable
from darklaunch_console.stores.postgres import Connection


class OnlyOnRedis(ConsoleError):
    """Redis carries a launch that this Postgres does not record."""


class NotPublished(ServerUnreachable):
    """The change is recorded; Redis could not be told of it."""


class LaunchOvertaken(ConsoleError):
    """Somebody else changed the launch between our look and our act."""


@dataclass(frozen=True, slots=True)
class LaunchBefore:
    """A launch before it is changed: as recorded, and what Redis has of it now (revision −1: nothing)."""

    record: LaunchRecord
    held: bool
    published_revision: int

    @property
    def state(self) -> LaunchState:
        """The launch as recorded."""
        return self.record.state

    @property
    def held_somewhere(self) -> bool:
        """Whether the emergency stop is set, in the record or in Redis alone."""
        return self.held or self.state.hold


def find(redis: RedisClient, connection: Connection, name: str) -> LaunchBefore:
    """Look a launch up. Raises NoSuchLaunch, or OnlyOnRedis."""
    revision, hold = read_copy(redis, name)
    try:
        record = get_launch(connection, name)
    except LaunchUnknown:
        if revision >= 0:
            raise OnlyOnRedis(
                f'the launch "{name}" is on this Redis, but not recorded in this Postgres: another database may be the '
                f"record. `darklaunch rollback {name}` stops it"
            ) from None
        raise NoSuchLaunch(name, known(connection)) from None
    return LaunchBefore(record, hold, revision)


def change(
    redis: RedisClient, connection: Connection, before: LaunchBefore, act: LaunchAct, **changes: Any
) -> LaunchRecord:
    """Record a change with its event, then publish it; `hold=False` lifts the emergency stop.

    Raises Overtaken when somebody else changed it since `before`, and NotTold when the change is recorded but could
    not be published.
    """
    name, revision = before.state.name, before.state.revision
    try:
        record = update_launch(connection, name, act, above=before.published_revision, only_at=revision, **changes)
    except LaunchChanged:
        raise LaunchOvertaken(
            f"somebody else changed {name} at this moment; look with `darklaunch show {name}`, then try again"
        ) from None
    connection.commit()
    tell(redis, record, lift_hold=changes.get("hold") is False)
    return record


def tell(redis: RedisClient, record: LaunchRecord, *, lift_hold: bool) -> None:
    """Publish what is recorded. Raises NotTold when it could not be: the record is right, the copy is not yet."""
    try:
        publish(redis, record, lift_hold=lift_hold)
    except (RedisError, OSError) as error:
        raise NotPublished(
            f"the change of {record.state.name} is recorded, but Redis could not be told ({error}): hooks and workers "
            "go on as before until a comparator publishes it"
        ) from error


def known(connection: Connection) -> list[str]:
    """Give the names of all recorded launches."""
    return [record.state.name for record in list_launches(connection)]


def read_copy(redis: RedisClient, name: str) -> tuple[int, bool]:
    """Read the revision (−1: none) and the hold that hooks and workers see."""
    revision, hold = redis.execute_command("HMGET", keys.launch(name), "revision", "hold")
    number = int(revision) if revision and revision.isdigit() else -1
    return number, (hold or b"") not in (b"", b"0")


def actor() -> str:
    """Say who acts: user@host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def described(state: LaunchState, *, changed: bool, **more: object) -> dict[str, object]:
    """Describe the outcome of an act for programs."""
    return {
        "launch": state.name,
        "status": state.status.value,
        "percent": state.percent,
        "hold": state.hold,
        "revision": state.revision,
        "shadow": state.spec.shadow,
        "build": state.spec.build or None,
        "changed": changed,
        **more,
    }
