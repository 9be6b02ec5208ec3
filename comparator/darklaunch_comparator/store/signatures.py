"""What people decide about signatures: accepted, resolved, open again. Each decision is an event that stays.

A signature is `open` until someone accepts it (the shadow is meant to differ so) or resolves it (it should not be seen
any more). What reopens one by itself is in `groups`.
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
"""Who reopens a signature by itself."""

_SQL: Final = load("signatures")
_ACTS: Final = {"open": "reopened", "accepted": "accepted", "resolved": "resolved"}


@dataclass(frozen=True, slots=True)
class SignatureName:
    """A signature by its name: enough to find it, and to say which it is."""

    fingerprint: str
    state: str
    endpoint: str
    title: str


@dataclass(frozen=True, slots=True)
class SignatureDecision:
    """A change of a signature's state. `was` and `now` are the same when it was in that state already."""

    fingerprint: str
    endpoint: str
    title: str
    was: str
    now: str


def read_signature_names(connection: Connection[Any], launch: str) -> list[SignatureName]:
    """Read what a launch's signatures are called, by fingerprint."""
    return [SignatureName(*row) for row in connection.execute(_SQL["names"], {"launch": launch})]


def decide_signatures(
    connection: Connection[Any], launch: str, fingerprints: Iterable[str], state: str, *, actor: str, reason: str
) -> list[SignatureDecision]:
    """Put signatures into a state, with an event for each that was in another; those that do not exist are left out.

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
    """Read which of these signatures were seen since then, as (endpoint, title), the most frequent first."""
    values = {"launch": launch, "fingerprints": list(fingerprints), "since": since}
    return [(endpoint, title) for endpoint, title in connection.execute(_SQL["seen_since"], values)]


def read_latest_restart(connection: Connection[Any], launch: str) -> int:
    """Read the number of the latest event after which a launch is judged anew if it goes on; 0 for none.

    By it a person accepted mismatches, or took that back, or whoever it was rolled the launch back or promoted it.
    """
    row = connection.execute(_SQL["latest_overruling"], {"launch": launch, "comparator": COMPARATOR}).fetchone()
    assert row is not None
    return int(row[0])


def record_signature_event(
    cursor: Cursor[Any], launch: str, decision: SignatureDecision, actor: str, reason: str
) -> None:
    """Record who changed a signature's state and why."""
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
