"""A launch as it is judged now, read from the record: the latest judgement and what else its verdict depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from darklaunch_comparator.coverage import RouteCoverage
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.judgements import JudgedBuild, Judgement, read_judged_builds, read_judgement
from darklaunch_comparator.store.launches import LaunchEvent, LaunchRecord, read_latest_ending
from darklaunch_comparator.store.noise import NoisePlace
from darklaunch_comparator.store.signatures import read_signatures_seen_since
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus

from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import Connection

from .coverage import read_coverage
from .doubts import read_doubted_fingerprints
from .noise_baseline import read_baseline

STEADY_S: Final = 30.0
"""Seconds after a change of the launch from which on the rate is measured since that change."""
RATE_S: Final = 600.0
"""Seconds over which the rate of exchanges is measured at most."""
BUSY_S: Final = 60.0
"""A launch is busy if an exchange captured within so many seconds was compared."""
QUIET_S: Final = 600.0
"""A launch is quiet if nothing was captured for so many seconds."""


class VerdictAnswer(StrEnum):
    """What a pipeline needs to know."""

    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    UNDECIDED = "undecided"


EXIT_CODES: Final = {VerdictAnswer.PROMOTE: 0, VerdictAnswer.ROLL_BACK: 1, VerdictAnswer.UNDECIDED: 2}
"""With which `verdict` and `watch` exit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedLaunch:
    """A launch and the latest judgement of it, None before the first one.

    per_s     exchanges captured a second, lately
    coverage  how far each of the app's routes got; None while no hook has listed them
    builds    the shadow's builds of which there is evidence
    ending    the event that ended the launch last
    busy      True if exchanges captured within the last minute were compared
    doubted   mismatches, as (endpoint, title), that may turn out to be noise and delay judging
    far       places whose numbers are noise, and often over ten times the primary's
    """

    record: LaunchRecord
    judgement: Judgement | None
    per_s: float
    now: datetime
    coverage: RouteCoverage | None = None
    builds: tuple[JudgedBuild, ...] = ()
    ending: LaunchEvent | None = None
    busy: bool = False
    doubted: tuple[tuple[str, str], ...] = ()
    far: tuple[NoisePlace, ...] = ()

    @property
    def state(self) -> LaunchState:
        """The launch as recorded."""
        return self.record.state

    @property
    def summary(self) -> Mapping[str, Any]:
        """What the judgement rests on, as written by `judging.summary`; {} before the first judgement."""
        return self.judgement.summary if self.judgement else {}

    @property
    def quiet_s(self) -> float:
        """Seconds since the latest judged exchange was captured. Only defined once something is judged."""
        return self.now.timestamp() - float(self.summary["until_ms"]) / 1000

    @property
    def answer(self) -> VerdictAnswer:
        """The end of the launch, whoever decided it; before that, the judge's verdict."""
        if self.state.status is LaunchStatus.ROLLED_BACK:
            return VerdictAnswer.ROLL_BACK
        if self.state.status is LaunchStatus.PROMOTED:
            return VerdictAnswer.PROMOTE
        verdict = self.summary.get("verdict")
        if verdict == "shadow_down" and self.summary.get("move") == "roll_back":
            return VerdictAnswer.ROLL_BACK
        decided = (VerdictAnswer.PROMOTE, VerdictAnswer.ROLL_BACK)
        return VerdictAnswer(verdict) if verdict in decided else VerdictAnswer.UNDECIDED


def read_judged_launch(connection: Connection, name: str) -> JudgedLaunch:
    """Read a launch with its latest judgement. Raises NoSuchLaunch."""
    record = read_launch_record(connection, name)
    judgement = read_judgement(connection, name)
    now = datetime.now(UTC)
    endpoints = {counts.endpoint: counts for counts in report_queries.read_endpoint_counts(connection, name)}
    return JudgedLaunch(
        record=record,
        judgement=judgement,
        per_s=_measure_rate(connection, record, judgement, now),
        now=now,
        coverage=read_coverage(connection, record, endpoints),
        builds=tuple(read_judged_builds(connection, name)),
        ending=read_latest_ending(connection, name),
        busy=report_queries.read_recent_rate(connection, name, BUSY_S) > 0,
        doubted=_read_doubted(connection, record, judgement, now),
        far=tuple(read_baseline(connection, name).far),
    )


def _measure_rate(connection: Connection, record: LaunchRecord, judgement: Judgement | None, now: datetime) -> float:
    """Return the exchanges captured a second since the launch was changed, over ten minutes at most.

    Right after a change there is too little to measure: then the judged exchanges tell the rate, if they are recent.
    """
    since_change_s = (now - record.updated_at).total_seconds()
    if since_change_s >= STEADY_S:
        return report_queries.read_recent_rate(connection, record.state.name, min(RATE_S, since_change_s))
    if judgement is None:
        return 0.0
    span_s = (judgement.summary.get("until_ms", 0) - judgement.summary.get("since_ms", 0)) / 1000
    return judgement.summary["judged"] / span_s if 0 < span_s < QUIET_S else 0.0


def _read_doubted(
    connection: Connection, record: LaunchRecord, judgement: Judgement | None, now: datetime
) -> tuple[tuple[str, str], ...]:
    """Return the mismatches not judged yet that may turn out to be noise: the judge waits for them."""
    doubtful = read_doubted_fingerprints(connection, record, judgement, now=now)
    if not doubtful or judgement is None:
        return ()
    return tuple(read_signatures_seen_since(connection, record.state.name, doubtful, judgement.judged_until))
