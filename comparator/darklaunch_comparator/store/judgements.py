"""What is read of judging: the latest judgement of a launch, the builds judged, and the exchanges to judge."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from psycopg import Connection

from darklaunch_comparator.judging.outage import SILENT_CLASSES, AttemptCounts
from darklaunch_comparator.judging.window import JudgedExchange
from darklaunch_comparator.results.latency_clock import LatencyClock
from darklaunch_comparator.results.result import NO_CREDENTIALS

from .amendments import NO_AMENDMENTS, Amendments
from .noise import NO_DOUBT, DoubtfulMismatches
from .sql import load

_SQL = load("judgements")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EXAMPLE_CHARS: Final = 160
VALUE_CHARS: Final = 60
_OUR_ERRORS: Final = ("forbidden",)
"""Classes of shadow errors that are our own decision, not the shadow's behaviour."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The latest judgement of a launch. `summary` is what `summarize_judgement` returned, {} before the first."""

    round_number: int
    basis: str
    since: datetime
    judged_until: datetime
    ended: bool
    verdict: str
    summary: Mapping[str, Any]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class JudgedBuild:
    """One build of the shadow, "" if it has no name: exchanges judged, and when the first and last were captured."""

    build: str
    judged: int
    condemned: bool
    since: datetime
    until: datetime


def read_judgement(connection: Connection[Any], launch: str) -> Judgement | None:
    """Read the latest judgement; None if the launch has not been judged yet."""
    row = connection.execute(_SQL["get"], {"launch": launch}).fetchone()
    return None if row is None else Judgement(*row)


def read_verdicts(connection: Connection[Any]) -> dict[str, str]:
    """Read the latest verdict about each launch that was ever judged."""
    return {str(launch): str(verdict) for launch, verdict in connection.execute(_SQL["verdicts"])}


def read_outages(connection: Connection[Any]) -> dict[str, str]:
    """Read the launches whose shadow is down, with the judge's words for it."""
    return {str(launch): str(why) for launch, why in connection.execute(_SQL["outages"])}


def read_judged_builds(connection: Connection[Any], launch: str) -> list[JudgedBuild]:
    """Read the builds about which there is evidence, in the order in which they were first seen."""
    return [JudgedBuild(*row) for row in connection.execute(_SQL["builds"], {"launch": launch})]


def count_late_exchanges(connection: Connection[Any], launch: str) -> int:
    """Count exchanges recorded after their window was judged: they are in every sum, but not in the evidence."""
    row = connection.execute(_SQL["late"], {"launch": launch, "ours": list(_OUR_ERRORS)}).fetchone()
    assert row is not None
    return int(row[0])


def read_judged_exchanges(
    connection: Connection[Any],
    launch: str,
    since_ms: int,
    until_ms: int,
    *,
    limit: int,
    doubtful: DoubtfulMismatches = NO_DOUBT,
    amendments: Amendments = NO_AMENDMENTS,
) -> list[JudgedExchange]:
    """Read up to `limit` replayed exchanges captured from `since_ms` until before `until_ms`, in order of capture.

    `doubtful` are the mismatches that may turn out to be noise; `amendments` is what else is known of rows by now.
    """
    span = {
        "launch": launch,
        "since": to_datetime(since_ms),
        "until": to_datetime(until_ms),
        "most": limit,
        "endpoints": [endpoint for endpoint, _ in amendments.withdrawn],
        "places": [place for _, place in amendments.withdrawn],
    }
    exchanges: list[JudgedExchange] = []
    doubtful_signatures = doubtful.fingerprints
    for row in connection.execute(_SQL["exchanges"], span):
        (
            at_ms,
            endpoint,
            build,
            outcome,
            signature,
            excused,
            refuted,
            reason,
            slow,
            stalled,
            *latency,
            compared_share,
        ) = row
        error = outcome == "shadow_error"
        if error and reason in _OUR_ERRORS:
            continue
        mismatched = refuted or (outcome == "mismatched" and not excused)
        is_new = mismatched and not refuted and doubtful.is_new(signature, at_ms, endpoint)
        in_doubt = is_new or (mismatched and signature in doubtful_signatures)
        exchanges.append(
            JudgedExchange(
                at_ms=at_ms,
                endpoint=endpoint,
                build=build,
                compared=outcome in ("matched", "mismatched", "ignored"),
                mismatched=mismatched,
                doubtful=in_doubt,
                held=is_new or (in_doubt and signature in doubtful.held),
                error=error,
                refused=outcome == "unverified" and reason == NO_CREDENTIALS,
                slow=slow,
                stalled=stalled,
                compared_share=1.0 if compared_share is None else compared_share,
                signature=signature if in_doubt else "",
                **_read_latency(*latency),
            )
        )
    return exchanges


def _read_latency(
    clock: str | None,
    primary_ms: float | None,
    shadow_ms: float | None,
    baseline_ms: float | None,
    floor_ms: float | None,
) -> dict[str, Any]:
    if clock is None or primary_ms is None or shadow_ms is None:
        return {}
    if clock == LatencyClock.HOOK:
        return {
            "clock": LatencyClock.HOOK,
            "primary_ms": primary_ms,
            "shadow_ms": shadow_ms,
            "baseline_ms": baseline_ms,
        }
    reference_ms = baseline_ms if clock == LatencyClock.BASELINE else primary_ms
    if reference_ms is None:
        return {}
    return {
        "clock": LatencyClock(clock),
        "primary_ms": reference_ms,
        "shadow_ms": max(0.0, shadow_ms - (floor_ms or 0.0)),
    }


def read_example(connection: Connection[Any], launch: str, endpoint: str, outcome: str) -> str:
    """Return a difference of the most frequent open problem of a kind, for people: `$.total: 42 → 0`; "" for none."""
    parameters = {"launch": launch, "endpoint": endpoint, "outcome": outcome}
    row = connection.execute(_SQL["example"], parameters).fetchone()
    if row is None:
        return ""
    title, path, primary, shadow = row
    if path is None or path == "shadow":
        return str(shadow or title)[:EXAMPLE_CHARS]
    before, after = ("nothing" if value is None else _shorten(str(value)) for value in (primary, shadow))
    return f"{_shorten(str(path))}: {before} → {after}"


def _shorten(text: str) -> str:
    return text if len(text) <= VALUE_CHARS else f"{text[: VALUE_CHARS - 1]}…"


def read_attempts(
    connection: Connection[Any], launch: str, since_ms: int, until_ms: int, limit: int
) -> list[JudgedExchange]:
    """Read up to `limit` attempts of exchanges captured in a time span, of which only counts whether each failed.

    They are in the order in which they were recorded, and `at_ms` is when that was.
    """
    span = {"launch": launch, "since": to_datetime(since_ms), "until": to_datetime(until_ms), "most": limit}
    return [
        JudgedExchange(
            at_ms=at_ms, endpoint=endpoint, build=build, compared=False, error=error, slow=slow, stalled=stalled
        )
        for at_ms, endpoint, build, error, reason, slow, stalled in connection.execute(_SQL["attempts"], span)
        if not (error and reason in _OUR_ERRORS)
    ]


def read_attempt_counts(connection: Connection[Any], launch: str) -> AttemptCounts:
    """Read what became of all attempts of a launch so far."""
    classes = {"silent": list(SILENT_CLASSES), "ours": list(_OUR_ERRORS)}
    row = connection.execute(_SQL["attempt_counts"], {"launch": launch, **classes}).fetchone()
    assert row is not None
    return AttemptCounts(int(row[0]), {str(name): int(count) for name, count in row[1].items()})


def to_datetime(ms: int) -> datetime:
    """Return epoch ms as a time in UTC."""
    return _EPOCH + timedelta(milliseconds=ms)
