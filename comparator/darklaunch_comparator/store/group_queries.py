"""One group of mismatches, read by its fingerprint: a function of a blocking connection each, like `report_queries`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection

from .sql import load

_SQL: Final = load("groups")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """A signature by itself: what differs, how often, since when, and what a person decided about it.

    `replays` are those of its endpoint, over all builds. `decided` to `decided_at` are the last change of its state.
    """

    fingerprint: str
    endpoint: str
    title: str
    outcome: str
    parts: list[dict[str, str]]
    count: int
    first_seen: datetime
    last_seen: datetime
    state: str
    builds: list[str]
    decided: str
    decided_by: str
    decided_why: str
    decided_at: datetime | None
    replays: int


@dataclass(frozen=True, slots=True)
class GroupSample:
    """An exchange that was kept of a signature: its id, why it was kept (`first`, `latest`, `rarest`), and when."""

    exchange_id: str
    role: str
    captured_at: datetime


def read_group(connection: Connection[Any], launch: str, fingerprint: str) -> GroupRow | None:
    """Read one signature of a launch; None if there is none."""
    cursor = connection.execute(_SQL["group"], {"launch": launch, "fingerprint": fingerprint})
    row = cursor.fetchone()
    if row is None:
        return None
    names = ("fingerprint", "endpoint", "title", "outcome", "parts", "count", "first_seen", "last_seen", "state",
             "builds", "decided", "decided_by", "decided_why", "decided_at", "replays")  # fmt: skip
    return GroupRow(**dict(zip(names, row, strict=True)))


def list_group_samples(connection: Connection[Any], launch: str, fingerprint: str) -> list[GroupSample]:
    """Read which exchanges were kept of a signature, the latest first."""
    rows = connection.execute(_SQL["samples"], {"launch": launch, "fingerprint": fingerprint})
    return sorted((GroupSample(*row) for row in rows), key=lambda each: (each.captured_at, each.exchange_id))[::-1]
