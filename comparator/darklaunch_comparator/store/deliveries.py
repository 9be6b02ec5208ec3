"""Notifications of promotions and rollbacks, kept until they have arrived."""

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
    """A promotion or rollback: who did what when and why, and the evidence for it. `number` is the event's."""

    number: int
    launch: str
    act: str
    at: datetime
    actor: str
    reason: str
    revision: int
    data: dict[str, Any]


@dataclass(slots=True)
class DeliveryAttempt:
    """One attempt at a delivery; whoever makes it sets `delivered` and `result`. If it is `too_old`, it is the last."""

    id: int
    kind: str
    target: str
    attempts: int
    too_old: bool
    event: NotifiedEvent
    delivered: bool = False
    result: str = ""


@dataclass(frozen=True, slots=True)
class NotificationDelivery:
    """What became of notifying one target of one event."""

    event: int
    kind: str
    target: str
    state: str
    attempts: int
    said: str
    settled_at: datetime | None


def queue_deliveries(connection: Connection[Any], *, command: bool) -> None:
    """Queue deliveries for recent events, each once; for the command too if there is one."""
    connection.execute(_SQL["queue_webhooks"])
    if command:
        connection.execute(_SQL["queue_command"])


@contextmanager
def attempt_delivery(
    connection: Connection[Any], kinds: Sequence[str], again_s: float
) -> Generator[DeliveryAttempt | None]:
    """Take a delivery that is due for the length of the block; None if none is. Failed ones are retried for a day.

    The delay before the next attempt begins at `again_s` and doubles, up to an hour.
    """
    with connection.transaction():
        row = connection.execute(_SQL["lock_due"], {"kinds": list(kinds)}).fetchone()
        if row is None:
            yield None
            return
        identity, kind, target, attempts, too_old, *event = row
        attempt = DeliveryAttempt(identity, kind, target, attempts, too_old, NotifiedEvent(*event))
        yield attempt
        state = "delivered" if attempt.delivered else "failed" if attempt.too_old else "pending"
        delay_s = min(3600.0, again_s * 2 ** min(attempt.attempts, 20))
        values = {"id": attempt.id, "state": state, "said": storable_text(attempt.result, 500), "again_s": delay_s}
        connection.execute(_SQL["finish_attempt"], values)


def read_deliveries_of(connection: Connection[Any], events: Sequence[int]) -> list[NotificationDelivery]:
    """Read what became of the notifications of these events, the latest first."""
    return [NotificationDelivery(*row) for row in connection.execute(_SQL["list_of"], {"events": list(events)})]


def read_deliveries(connection: Connection[Any], launch: str, limit: int = 100) -> list[NotificationDelivery]:
    """Read what became of a launch's notifications, the latest first."""
    return [NotificationDelivery(*row) for row in connection.execute(_SQL["list"], {"launch": launch, "limit": limit})]
