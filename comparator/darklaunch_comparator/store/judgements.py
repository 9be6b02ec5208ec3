"""What the judge keeps of a launch, and the results it reads. Times are epoch ms; one transaction reads and writes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from psycopg import Connection

from darklaunch_comparator.judging.build_evidence import BuildTrial
from darklaunch_comparator.judging.endpoint_evidence import ALL, EndpointEvidence
from darklaunch_comparator.judging.launch_evidence import LaunchEvidence
from darklaunch_comparator.judging.window import JudgedExchange

from .sql import load

_SQL = load("judgements")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OURS: Final = ("forbidden",)
"""Classes of shadow errors that are decisions of ours, not answers of the shadow's."""


@dataclass(slots=True)
class JudgeState:
    """A launch as the judge left it. `case` has the trials that are at hand; `builds` are all ever seen.

    `ended` is whether the judge has rolled the launch back or promoted it; `changed` whether there is more to write
    than that time has passed.
    """

    launch: str
    trial: int
    basis: str
    since_ms: int
    judged_until_ms: int
    ended: bool
    builds: list[str]
    case: LaunchEvidence
    changed: bool = False
    stored: dict[str, BuildTrial] = field(default_factory=dict[str, BuildTrial])


@dataclass(frozen=True, slots=True)
class Judgement:
    """The latest judgement of a launch. `summary` is what `judging.snapshot` gives, {} before the first."""

    trial: int
    basis: str
    since: datetime
    judged_until: datetime
    ended: bool
    verdict: str
    summary: Mapping[str, Any]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class BuildEvidence:
    """How much is known of one build of the shadow, "" where it has no name: exchanges judged, and when captured."""

    build: str
    judged: int
    condemned: bool
    since: datetime
    until: datetime


def read_judgement(connection: Connection[Any], launch: str) -> Judgement | None:
    """Read the latest judgement; None when the launch has not been looked at yet."""
    row = connection.execute(_SQL["get"], {"launch": launch}).fetchone()
    return None if row is None else Judgement(*row)


def read_build_evidence(connection: Connection[Any], launch: str) -> list[BuildEvidence]:
    """Read of which builds there is evidence, in the order in which they were seen first."""
    return [BuildEvidence(*row) for row in connection.execute(_SQL["builds"], {"launch": launch})]


def count_late_exchanges(connection: Connection[Any], launch: str) -> int:
    """Count the exchanges that were recorded when their window was closed: they are in everything but the evidence."""
    row = connection.execute(_SQL["late"], {"launch": launch, "ours": list(_OURS)}).fetchone()
    assert row is not None
    return int(row[0])


def lock_judge_state(connection: Connection[Any], launch: str) -> JudgeState | None:
    """Read a launch's docket with the build that is meant, locked until the transaction ends; None without one."""
    row = connection.execute(_SQL["lock"], {"launch": launch}).fetchone()
    if row is None:
        return None
    trial, basis, since_s, until_s, ended, builds, state = row
    docket = JudgeState(
        launch,
        trial,
        basis,
        round(since_s * 1000),
        round(until_s * 1000),
        ended,
        builds,
        LaunchEvidence.unpack(state, {}),
    )
    load_build_trials(connection, docket, [docket.case.build])
    return docket


def start_judge_state(connection: Connection[Any], docket: JudgeState) -> None:
    """Write a new docket, or begin one anew: what was known before is forgotten."""
    connection.execute(_SQL["forget"], {"launch": docket.launch})
    connection.execute(
        _SQL["begin"],
        {
            "launch": docket.launch,
            "trial": docket.trial,
            "basis": docket.basis,
            "since": to_datetime(docket.since_ms),
            "judged_until": to_datetime(docket.judged_until_ms),
            "state": orjson.dumps(docket.case.pack()).decode(),
        },
    )


def load_build_trials(connection: Connection[Any], docket: JudgeState, builds: Iterable[str]) -> None:
    """Read the trials of builds that are not at hand."""
    missing = sorted(set(builds) - docket.case.trials.keys())
    if not missing:
        return
    found: dict[str, tuple[dict[str, Any], dict[str, EndpointEvidence]]] = {}
    for build, endpoint, text in connection.execute(_SQL["evidence"], {"launch": docket.launch, "builds": missing}):
        state = orjson.loads(text)
        meta, scopes = found.setdefault(build, ({}, {}))
        scopes[endpoint] = EndpointEvidence.unpack(state["scope"])
        if endpoint == ALL:
            meta.update(state["trial"])
    trials = {build: BuildTrial.unpack(meta, scopes) for build, (meta, scopes) in found.items()}
    docket.stored.update(trials)
    docket.case = docket.case.with_trials(trials)


def save_judge_state(connection: Connection[Any], docket: JudgeState, summary: Mapping[str, Any]) -> None:
    """Write a docket back: of the evidence, what is another than it was."""
    values: list[dict[str, Any]] = []
    for build, trial in docket.case.trials.items():
        stored = docket.stored.get(build)
        if trial == stored:
            continue
        for found, (endpoint, scope) in enumerate(trial.scopes.items()):
            if endpoint != ALL and stored is not None and stored.scopes.get(endpoint) is scope:
                continue
            state: dict[str, Any] = {"scope": scope.pack()} | ({"trial": trial.pack()} if endpoint == ALL else {})
            key = {"launch": docket.launch, "build": build, "endpoint": endpoint, "found": found}
            values.append({**key, "state": orjson.dumps(state).decode()})
    with connection.cursor() as cursor:
        if values:
            cursor.executemany(_SQL["save_evidence"], values)
    connection.execute(
        _SQL["save"],
        {
            "launch": docket.launch,
            "judged_until": to_datetime(docket.judged_until_ms),
            "ended": docket.ended,
            "builds": sorted({*docket.builds, *docket.case.trials}),
            "state": orjson.dumps(docket.case.pack()).decode(),
            "summary": orjson.dumps(summary).decode(),
        },
    )


def read_judged_exchanges(
    connection: Connection[Any],
    launch: str,
    since_ms: int,
    until_ms: int,
    most: int,
    doubtful: frozenset[str] = frozenset(),
) -> list[JudgedExchange]:
    """Read replayed exchanges in order of capture, from `since_ms` until before `until_ms`, at most so many.

    `doubtful` are the fingerprints of mismatches that may yet turn out to be noise.
    """
    span = {"launch": launch, "since": to_datetime(since_ms), "until": to_datetime(until_ms), "most": most}
    found: list[JudgedExchange] = []
    for at_ms, endpoint, build, outcome, signature, excused, reason, slow, timed, *latencies in connection.execute(
        _SQL["exchanges"], span
    ):
        primary_ms, shadow_ms = latencies
        mismatched = outcome == "mismatched" and not excused
        error = outcome == "shadow_error"
        if error and reason in _OURS:
            continue
        compared = outcome in ("matched", "mismatched", "ignored")
        timed = bool(timed) and None not in (primary_ms, shadow_ms)
        left_ms, right_ms = (float(primary_ms), float(shadow_ms)) if timed else (0.0, 0.0)
        doubt = mismatched and signature in doubtful
        found.append(
            JudgedExchange(at_ms, endpoint, build, compared, mismatched, doubt, error, slow, timed, left_ms, right_ms)
        )
    return found


def to_datetime(ms: int) -> datetime:
    """Give a time, UTC."""
    return _EPOCH + timedelta(milliseconds=ms)
