"""The decisions of people about signatures: accepted, resolved or open again. Each decision is a lasting event.

A signature is `open` until somebody accepts it (the difference is intended) or resolves it (it should not occur any
more). `update_signatures` reopens one that comes back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Connection, Cursor

from darklaunch_comparator.results.storable import storable_json, storable_text

from .sql import load

STATES: Final = ("open", "accepted", "resolved")
COMPARATOR: Final = "the comparator"
"""The actor of automatic reopenings."""

_SQL: Final = load("signatures")
_ACTS: Final = {"open": "reopened", "accepted": "accepted", "resolved": "resolved"}


@dataclass(frozen=True, slots=True)
class SignatureName:
    """A signature without its counts and samples: enough to find it and to name it."""

    fingerprint: str
    state: str
    endpoint: str
    title: str


@dataclass(frozen=True, slots=True)
class SignatureDecision:
    """A change of a signature's state. `was` equals `now` when it was already in that state."""

    fingerprint: str
    endpoint: str
    title: str
    was: str
    now: str


def read_signature_names(connection: Connection[Any], launch: str) -> list[SignatureName]:
    """Read the names of a launch's signatures, by fingerprint."""
    return [SignatureName(*row) for row in connection.execute(_SQL["names"], {"launch": launch})]


def decide_signatures(
    connection: Connection[Any], launch: str, fingerprints: Iterable[str], state: str, *, actor: str, reason: str
) -> list[SignatureDecision]:
    """Set the state of signatures, and record an event for each that was in another. Unknown fingerprints are left out.

    Raises psycopg.Error; then nothing is changed.
    """
    decisions: list[SignatureDecision] = []
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(_SQL["lock"], {"launch": launch, "fingerprints": list(fingerprints)})
        for fingerprint, was, endpoint, title in cursor.fetchall():
            decision = SignatureDecision(fingerprint, endpoint, title, was, state)
            decisions.append(decision)
            if was != state:
                cursor.execute(_SQL["set_state"], {"launch": launch, "fingerprint": fingerprint, "state": state})
                record_signature_event(cursor, launch, decision, actor, reason)
    return decisions


def read_signatures_seen_since(
    connection: Connection[Any], launch: str, fingerprints: Iterable[str], since: datetime
) -> list[tuple[str, str]]:
    """Read which of these signatures were seen since a time, as (endpoint, title), the most frequent first."""
    values = {"launch": launch, "fingerprints": list(fingerprints), "since": since}
    return [(endpoint, title) for endpoint, title in connection.execute(_SQL["seen_since"], values)]


def read_latest_restart(connection: Connection[Any], launch: str) -> int:
    """Return the number of the latest event that restarts judging, a promotion or a rollback by anyone, or 0."""
    row = connection.execute(_SQL["latest_restart"], {"launch": launch}).fetchone()
    assert row is not None
    return int(row[0])


def record_signature_event(
    cursor: Cursor[Any], launch: str, decision: SignatureDecision, actor: str, reason: str
) -> None:
    """Record who changed the state of a signature, and why."""
    data = {
        "signature": decision.fingerprint,
        "endpoint": decision.endpoint,
        "title": decision.title,
        "state": {"from": decision.was, "to": decision.now},
    }
    values = {
        "launch": launch,
        "actor": storable_text(actor, 200),
        "act": _ACTS[decision.now],
        "reason": storable_text(reason, 1000),
        "data": storable_json(data),
    }
    cursor.execute(_SQL["add_event"], values)
