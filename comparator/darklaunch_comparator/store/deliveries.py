"""What is to be told of promotions and rollbacks, kept until it has arrived."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from darklaunch_comparator.results.storable import storable_text

from .sql import load

_SQL = load("deliveries")


@dataclass(frozen=True, slots=True)
class NotifiedEvent:
    """An event to be told: who did what when and why, and what it rested on."""

    event: int
    launch: str
    act: str
    at: datetime
    actor: str
    reason: str
    revision: int
    data: dict[str, Any]


@dataclass(slots=True)
class DeliveryAttempt:
    """One attempt at one delivery. Set `delivered` and `said`; `too_old` is whether it is the last one."""

    id: int
    kind: str
    target: str
    attempts: int
    too_old: bool
    told: NotifiedEvent
    delivered: bool = False
    said: str = ""


@dataclass(frozen=True, slots=True)
class NotificationDelivery:
    """What became of telling one target of one event."""

    event: int
    kind: str
    target: str
    state: str
    attempts: int
    said: str
    settled_at: datetime | None


def queue_deliveries(connection: Connection[Any], *, command: bool) -> None:
    """Queue what is to be told of late, each once; for the command too where there is one."""
    connection.execute(_SQL["queue_webhooks"])
    if command:
        connection.execute(_SQL["queue_command"])


@contextmanager
def attempt_delivery(
    connection: Connection[Any], kinds: Sequence[str], again_s: float
) -> Generator[DeliveryAttempt | None]:
    """Take what is due, for the block; None when nothing is. What failed is due again after `again_s`, for a day."""
    with connection.transaction():
        row = connection.execute(_SQL["take"], {"kinds": list(kinds)}).fetchone()
        if row is None:
            yield None
            return
        identity, kind, target, attempts, too_old, *told = row
        taken = DeliveryAttempt(identity, kind, target, attempts, too_old, NotifiedEvent(*told))
        yield taken
        state = "delivered" if taken.delivered else "failed" if taken.too_old else "pending"
        delay_s = min(3600.0, again_s * 2 ** min(taken.attempts, 20))
        values = {"id": taken.id, "state": state, "said": storable_text(taken.said, 500), "again_s": delay_s}
        connection.execute(_SQL["settle"], values)


def read_deliveries(connection: Connection[Any], launch: str, limit: int = 100) -> list[NotificationDelivery]:
    """Read what became of telling of a launch, the latest first."""
    return [NotificationDelivery(*row) for row in connection.execute(_SQL["list"], {"launch": launch, "limit": limit})]
