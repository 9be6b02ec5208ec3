"""The queries behind reports: each is a function of a blocking connection.

Launches and events are read by `launches`. Every function raises psycopg.Error when Postgres cannot answer.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from darklaunch_shared import keys
from darklaunch_shared.wire.exchange import VERSION
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.replay import Replay, unpack_replay
from psycopg import Connection

from .partitions import read_partition_days
from .sql import load

EVER: Final = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))

_SQL = load("report_queries")


@dataclass(frozen=True, slots=True)
class LaunchLedger:
    """The outcome ledger of a launch: `settled` sums up the seven outcomes, `sampled` = `settled` + `on_its_way`."""

    sampled: int
    matched: int
    mismatched: int
    ignored: int
    unverified: int
    shadow_error: int
    dead: int
    dropped: int
    settled: int
    on_its_way: int
    dropped_by_reason: dict[str, int]
    skipped: dict[str, int]


@dataclass(frozen=True, slots=True)
class EndpointLatency:
    """Quantiles in ms of one side, over exchanges with both responses. `endpoint` None stands for all endpoints.

    `side` is `primary`, `shadow` or `difference`; `slow_share` is the share of replays over max_latency_diff_ms.
    """

    endpoint: str | None
    side: str
    pairs: int
    p50: float
    p95: float
    p99: float
    slow: int
    slow_share: float


@dataclass(frozen=True, slots=True)
class EndpointCounts:
    """An endpoint's counts by outcome, and the capture times they span (in buckets of 10 s)."""

    endpoint: str
    matched: int
    mismatched: int
    ignored: int
    unverified: int
    shadow_error: int
    dropped: int
    dead: int
    slow: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class RecentCounts:
    """What was compared in one slot of the last hour; slot 0 is the oldest."""

    slot: int
    compared: int
    mismatched: int


@dataclass(frozen=True, slots=True)
class SignatureRow:
    """A group of mismatches, shadow errors or slow responses, with the exchange ids of its samples.

    `parts` are its (index-free path, kind) pairs, as `{"path": …, "kind": …}`; `differences` up to three of the
    `difference_count` of its first sample. `builds` are those of the shadow it was seen under. `decided` to
    `decided_at` are the last change of its state: `accepted`, `resolved` or `reopened`, by whom, why and when;
    empty and None when there was none. What was captured before `noise_until` was known to be noise of another build.
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
    differences: list[dict[str, Any]]
    difference_count: int
    first_sample: str | None
    latest_sample: str | None
    rarest_sample: str | None
    decided: str
    decided_by: str
    decided_why: str
    decided_at: datetime | None
    noise_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredSample:
    """An exchange that was kept complete, and its differences.

    `differences` are `{"path", "group_path", "kind", "primary", "shadow"}` each; `omitted` counts those not kept.
    """

    launch: str
    fingerprint: str
    exchange_id: str
    captured_at: datetime
    replay: Replay
    differences: list[dict[str, Any]]
    omitted: int


@dataclass(frozen=True, slots=True)
class ResultRow:
    """The row recorded of one exchange."""

    launch: str
    exchange_id: str
    captured_at: datetime
    endpoint: str
    method: str
    outcome: str
    reason: str | None
    signature: str | None
    primary_status: int | None
    shadow_status: int | None
    primary_ms: float | None
    shadow_ms: float | None
    latency_source: str | None
    slow: bool
    recorded_at: datetime
    build: str


@dataclass(frozen=True, slots=True)
class ExcuseCount:
    """How often values at one index-free path differed and were excused, and why.

    `witnessed` is False for an excuse by form at a place where no baseline has shown what the primary's version does.
    """

    endpoint: str
    path: str
    reason: str
    count: int
    witnessed: bool = True


def read_launch_ledger(connection: Connection[Any], launch: str) -> LaunchLedger:
    """Read the outcome ledger of a launch; all zero when nothing is recorded."""
    row = connection.execute(_SQL["ledger"], {"launch": launch}).fetchone()
    assert row is not None
    return LaunchLedger(*row)


def read_outcome_reasons(connection: Connection[Any], launch: str) -> list[tuple[str, str, int]]:
    """Read (outcome, reason, count) where there is a reason: dropped, shadow_error and unverified exchanges."""
    return [tuple(row) for row in connection.execute(_SQL["reasons"], {"launch": launch})]


def read_latency(
    connection: Connection[Any], launch: str, *, since: datetime | None = None, until: datetime | None = None
) -> list[EndpointLatency]:
    """Read latency per endpoint and side, all endpoints together first. `since` and `until` are capture times."""
    span = {"since": since or EVER[0], "until": until or EVER[1]}
    return [EndpointLatency(*row) for row in connection.execute(_SQL["latency"], {"launch": launch, **span})]


def read_endpoint_counts(
    connection: Connection[Any], launch: str, *, since: datetime | None = None, until: datetime | None = None
) -> list[EndpointCounts]:
    """Read every endpoint's counts, by name. `since` and `until` are capture times, in steps of 10 s."""
    span = {"since": since or EVER[0], "until": until or EVER[1]}
    return [EndpointCounts(*row) for row in connection.execute(_SQL["endpoints"], {"launch": launch, **span})]


def read_recent_rate(connection: Connection[Any], launch: str, within_s: float = 600.0) -> float:
    """Read how many exchanges per second were compared, of those captured in the last `within_s` seconds."""
    row = connection.execute(_SQL["recent_rate"], {"launch": launch, "within_s": within_s}).fetchone()
    return 0.0 if row is None else float(row[0])


def read_recent_counts(connection: Connection[Any], launch: str, slots: int = 30) -> list[RecentCounts]:
    """Read how much was compared, and how much of it mismatched, in each of the last hour's slots that has any."""
    rows = connection.execute(_SQL["recent_counts"], {"launch": launch, "slots": slots, "width_s": 3600 // slots})
    return [RecentCounts(*row) for row in rows]


def read_signatures(connection: Connection[Any], launch: str, limit: int = 3000) -> list[SignatureRow]:
    """Read a launch's signatures, the most frequent first. The default limit covers all: about 2,000 at most."""
    return [SignatureRow(*row) for row in connection.execute(_SQL["signatures"], {"launch": launch, "limit": limit})]


def read_sample(connection: Connection[Any], exchange_id: str, launch: str | None = None) -> StoredSample | None:
    """Read the sample of one exchange, of any launch or of one; None when it was not kept.

    Raises BadEntry when a release whose entries this one cannot read has kept it.
    """
    row = connection.execute(_SQL["sample"], {"exchange_id": exchange_id, "launch": launch}).fetchone()
    if row is None:
        return None
    name, fingerprint, identity, captured_at, meta, request, response, shadow_meta, shadow, *found = row
    fields: Fields = {
        keys.V: VERSION,
        keys.ID: identity.encode(),
        keys.META: meta,
        keys.REQUEST: request,
        keys.RESPONSE: response,
        keys.SHADOW_META: shadow_meta,
        **({} if shadow is None else {keys.SHADOW: shadow}),
    }
    replay = unpack_replay(fields)
    assert isinstance(replay, Replay)
    return StoredSample(name, fingerprint, identity, captured_at, replay, *found)


def read_recent_sample_meta(connection: Connection[Any], limit: int) -> list[bytes]:
    """Read the `meta` of the samples recorded last, of any launch, as it travelled."""
    return [meta for (meta,) in connection.execute(_SQL["recent_sample_meta"], {"limit": limit})]


def read_result(connection: Connection[Any], launch: str, exchange_id: str) -> ResultRow | None:
    """Read the row of one exchange; None when there is none, or it is past retention."""
    days = read_partition_days(connection)
    row = connection.execute(_SQL["result"], {"launch": launch, "exchange_id": exchange_id, "days": days}).fetchone()
    return None if row is None else ResultRow(*row)


def read_excuses(connection: Connection[Any], launch: str, limit: int = 100) -> list[ExcuseCount]:
    """Read the excused places, the most frequent first."""
    return [ExcuseCount(*row) for row in connection.execute(_SQL["excuses"], {"launch": launch, "limit": limit})]
