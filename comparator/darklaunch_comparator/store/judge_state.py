"""The state of the judge for one launch: read and locked, started over, and written back, all in one transaction.

Times are epoch ms.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from psycopg import Connection

from darklaunch_comparator.judging.build_evidence import BuildEvidence
from darklaunch_comparator.judging.endpoint_evidence import ALL_ENDPOINTS, EndpointEvidence
from darklaunch_comparator.judging.launch_evidence import LaunchEvidence

from .judgements import to_datetime
from .sql import load

_SQL = load("judgements")


@dataclass(slots=True, kw_only=True)
class JudgeState:
    """What the judge knows of a launch, and how far it has read.

    round_number    how often judging was started, from 1
    basis           fingerprint of the rules and policy that the evidence depends on
    ended           the judge has rolled the launch back or promoted it
    all_builds      every build ever seen; `evidence` has those that are loaded
    amendments      fingerprint of what was known of stored mismatches when the evidence was taken from them
    noise_build     the build for which noise was last begun to be counted
    changed         there is more to write than that time has passed
    stored_builds   the evidence about builds as it stands in Postgres
    """

    launch: str
    round_number: int
    basis: str
    since_ms: int
    judged_until_ms: int
    evidence: LaunchEvidence
    ended: bool = False
    all_builds: list[str] = field(default_factory=list[str])
    amendments: str = ""
    noise_build: str = ""
    changed: bool = False
    stored_builds: dict[str, BuildEvidence] = field(default_factory=dict[str, BuildEvidence])


def lock_judge_state(connection: Connection[Any], launch: str) -> JudgeState | None:
    """Read the state with the current build, and lock it until the transaction ends; None if there is none."""
    row = connection.execute(_SQL["lock"], {"launch": launch}).fetchone()
    if row is None:
        return None
    round_number, basis, since_s, until_s, ended, all_builds, amendments, noise_build, packed = row
    state = JudgeState(
        launch=launch,
        round_number=round_number,
        basis=basis,
        since_ms=round(since_s * 1000),
        judged_until_ms=round(until_s * 1000),
        evidence=LaunchEvidence.unpack(packed, {}),
        ended=ended,
        all_builds=all_builds,
        amendments=amendments,
        noise_build=noise_build,
    )
    load_builds(connection, state, [state.evidence.current_build])
    return state


def start_judge_state(connection: Connection[Any], state: JudgeState) -> None:
    """Write a new state. It replaces an earlier one of the launch, whose evidence is deleted."""
    connection.execute(_SQL["forget"], {"launch": state.launch})
    connection.execute(
        _SQL["begin"],
        {
            "launch": state.launch,
            "trial": state.round_number,
            "basis": state.basis,
            "since": to_datetime(state.since_ms),
            "judged_until": to_datetime(state.judged_until_ms),
            "amendments": state.amendments,
            "noise_build": state.noise_build,
            "state": orjson.dumps(state.evidence.pack()).decode(),
        },
    )


def replace_builds(connection: Connection[Any], state: JudgeState, evidence: LaunchEvidence) -> None:
    """Replace the evidence; what is stored of its builds is deleted, and written again by `save_judge_state`."""
    connection.execute(_SQL["forget_builds"], {"launch": state.launch, "builds": list(evidence.builds)})
    state.stored_builds.clear()
    state.evidence = evidence
    state.all_builds = sorted({*state.all_builds, *evidence.builds})
    state.changed = True


def load_builds(connection: Connection[Any], state: JudgeState, builds: Iterable[str]) -> None:
    """Read the evidence about those of `builds` that are not loaded yet."""
    missing = sorted(set(builds) - state.evidence.builds.keys())
    if not missing:
        return
    rows: dict[str, tuple[dict[str, Any], dict[str, EndpointEvidence]]] = {}
    for build, endpoint, text in connection.execute(_SQL["evidence"], {"launch": state.launch, "builds": missing}):
        packed = orjson.loads(text)
        packed_build, by_endpoint = rows.setdefault(build, ({}, {}))
        by_endpoint[endpoint] = EndpointEvidence.unpack(packed["scope"])
        if endpoint == ALL_ENDPOINTS:
            packed_build.update(packed["trial"])
    loaded = {build: BuildEvidence.unpack(packed, by_endpoint) for build, (packed, by_endpoint) in rows.items()}
    state.stored_builds.update(loaded)
    state.evidence = state.evidence.with_builds(loaded)


def save_judge_state(connection: Connection[Any], state: JudgeState, summary: Mapping[str, Any]) -> None:
    """Write the state back; of the evidence, only what differs from what is stored."""
    rows = [row for build, evidence in state.evidence.builds.items() for row in _changed_rows(state, build, evidence)]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_SQL["save_evidence"], rows)
    connection.execute(
        _SQL["save"],
        {
            "launch": state.launch,
            "judged_until": to_datetime(state.judged_until_ms),
            "ended": state.ended,
            "builds": sorted({*state.all_builds, *state.evidence.builds}),
            "amendments": state.amendments,
            "state": orjson.dumps(state.evidence.pack()).decode(),
            "summary": orjson.dumps(summary).decode(),
        },
    )


def _changed_rows(state: JudgeState, build: str, evidence: BuildEvidence) -> list[dict[str, Any]]:
    stored = state.stored_builds.get(build)
    if evidence == stored:
        return []
    rows: list[dict[str, Any]] = []
    for position, (endpoint, endpoint_evidence) in enumerate(evidence.by_endpoint.items()):
        packed: dict[str, Any] = {"scope": endpoint_evidence.pack()}
        if endpoint == ALL_ENDPOINTS:
            packed["trial"] = evidence.pack()
        elif stored is not None and stored.by_endpoint.get(endpoint) is endpoint_evidence:
            continue
        rows.append({
            "launch": state.launch,
            "build": build,
            "endpoint": endpoint,
            "found": position,
            "state": orjson.dumps(packed).decode(),
        })  # fmt: skip
    return rows
