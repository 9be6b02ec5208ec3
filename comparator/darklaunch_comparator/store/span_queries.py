"""What was recorded in a span of capture times: functions of a blocking connection, like `report_queries`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final

from psycopg import Connection

from .sql import load

SLOT_S: Final = 10
"""Seconds that a bucket covers: no part of a course is shorter."""

_SQL: Final = load("spans")

Quantiles = tuple[float, float, float]
"""p50, p95 and p99 in ms."""


@dataclass(frozen=True, slots=True)
class SignatureCount:
    """How often a signature was recorded in a span, and when first and last."""

    count: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CoursePart:
    """One of the equal parts of a span. `primary` and `shadow` are None where no exchange has both responses."""

    started_at: datetime
    compared: int
    mismatched: int
    errors: int
    primary: Quantiles | None
    shadow: Quantiles | None


def read_signature_counts(
    connection: Connection[Any], launch: str, *, since: datetime, until: datetime
) -> dict[str, SignatureCount]:
    """Read how often each signature was recorded in a span, by fingerprint; those that were not are left out."""
    rows = connection.execute(_SQL["signatures"], {"launch": launch, "since": since, "until": until})
    return {fingerprint: SignatureCount(*counts) for fingerprint, *counts in rows}


def read_build_start(connection: Connection[Any], launch: str, build: str) -> datetime | None:
    """Read when the first exchange that a build of the shadow answered was captured; None if it answered none."""
    row = connection.execute(_SQL["build_start"], {"launch": launch, "build": build}).fetchone()
    return None if row is None else row[0]


def read_course(
    connection: Connection[Any], launch: str, *, since: datetime, until: datetime, parts: int
) -> tuple[timedelta, list[CoursePart]]:
    """Read a span in at most `parts` equal parts; return how long each is, and those in which there is anything."""
    width_s = max(1, ceil((until - since).total_seconds() / SLOT_S / parts)) * SLOT_S
    values = {"launch": launch, "since": since, "until": until, "width_s": width_s}
    return timedelta(seconds=width_s), [
        CoursePart(
            started_at=since + timedelta(seconds=int(part) * width_s),
            compared=compared,
            mismatched=mismatched,
            errors=errors,
            primary=None if quantiles[0] is None else (quantiles[0], quantiles[1], quantiles[2]),
            shadow=None if quantiles[3] is None else (quantiles[3], quantiles[4], quantiles[5]),
        )
        for part, compared, mismatched, errors, *quantiles in connection.execute(_SQL["course"], values)
    ]
