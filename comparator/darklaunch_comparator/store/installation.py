"""The identity of an installation: one Postgres, one Redis. A row of darklaunch.installation, made with the schema."""

from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection

from darklaunch_comparator.errors import StoreError

from .sql import load

_SQL: Final = load("installation")


@dataclass(frozen=True, slots=True)
class Installation:
    """The installation that a database belongs to, and where its Redis was seen: `host:port/database`."""

    id: str
    redis: tuple[str, ...]


def read_installation(connection: Connection[Any]) -> Installation:
    """Read the identity. Raises StoreError when somebody removed it."""
    row = connection.execute(_SQL["read"]).fetchone()
    if row is None:
        raise StoreError("The database has lost the identity of its installation (darklaunch.installation is empty).")
    return Installation(str(row[0]), tuple(row[1]))


def add_redis_location(connection: Connection[Any], location: str) -> None:
    """Remember that the installation's Redis was seen there."""
    connection.execute(_SQL["add_redis"], {"location": location})
