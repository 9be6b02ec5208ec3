"""One installation, one Redis and one Postgres: commands refuse to publish a launch where it does not belong."""

from __future__ import annotations

from darklaunch_comparator.control.installation import find_mismatch, join_installation
from darklaunch_comparator.errors import InstallationMismatch
from darklaunch_shared.redis.client import RedisClient

from darklaunch_console.errors import ConsoleError

from .postgres import Connection


class WrongInstallation(ConsoleError):
    """Redis and Postgres are not of one installation."""


def join_redis(redis: RedisClient, connection: Connection, *, adopt: bool = False) -> None:
    """Refuse a Redis of another installation than Postgres; take one that belongs to none, or with `adopt` any.

    Raises WrongInstallation.
    """
    try:
        join_installation(connection, redis, adopt=adopt)
    except InstallationMismatch as mismatch:
        raise WrongInstallation(str(mismatch)) from None
    connection.commit()


def refuse_other_redis(redis: RedisClient, connection: Connection) -> None:
    """Raise WrongInstallation if this Redis belongs to another installation than Postgres."""
    if mismatch := find_mismatch(connection, redis):
        raise WrongInstallation(mismatch)
