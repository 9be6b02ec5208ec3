"""What the judge says of a launch, read from the record and put into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, cast

from darklaunch_comparator.coverage import RouteCoverage
from darklaunch_comparator.judging.explain import format_odds
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.judgements import JudgedBuild, Judgement, read_judged_builds, read_judgement
from darklaunch_comparator.store.launches import LaunchEvent, LaunchRecord, read_latest_ending
from darklaunch_comparator.store.noise import read_doubtful_signatures
from darklaunch_comparator.store.signatures import read_signatures_seen_since
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus

from darklaunch_console.output.numbers import format_count, format_decimal, format_seconds, format_share
from darklaunch_console.output.screen import make_printable
from darklaunch_console.output.text import format_plural
from darklaunch_console.stores.postgres import Connection

from .coverage import describe_coverage, read_coverage
from .evidence import read_launch_record
from .sentences import format_second

STEADY_S: Final = 30.0
"""How long after a change of the launch, such as of its share, the rate of exchanges is measured from then on."""
RATE_S: Final = 600.0
"""Over how long it is measured at most."""
BUSY_S: Final = 60.0
QUIET_S: Final = 600.0
"""How long nothing may have been captured before that is worth a word."""
NAMED: Final = 8


class VerdictAnswer(StrEnum):
    """What a pipeline needs to know."""

    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class JudgedLaunch:
    """A launch and the latest judgement of it; None when no judge has looked yet. `per_s` is the rate of exchanges.

    `coverage` is how far each of the app's routes got; None while no hook has told them. `builds` are those of which
    there is evidence. `ending` is the event that ended the launch last. `busy` is whether exchanges captured within the
    last minute were compared. `doubted` are the mismatches, as (endpoint,
    title), that may yet be noise and keep what came since waiting.
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

    @property
    def state(self) -> LaunchState:
        """The launch as recorded."""
        return self.record.state

    @property
    def summary(self) -> Mapping[str, Any]:
        """What the judgement rests on, {} when there is none."""
        return self.judgement.summary if self.judgement else {}

    @property
    def answer(self) -> VerdictAnswer:
        """What became of the launch, whoever decided it; else the verdict."""
        if self.state.status is LaunchStatus.ROLLED_BACK:
            return VerdictAnswer.ROLL_BACK
        if self.state.status is LaunchStatus.PROMOTED:
            return VerdictAnswer.PROMOTE
        verdict = self.summary.get("verdict")
        return (
            VerdictAnswer(verdict)
            if verdict in (VerdictAnswer.PROMOTE, VerdictAnswer.ROLL_BACK)
            else VerdictAnswer.UNDECIDED
        )


def read_judged_launch(connection: Connection, name: str) -> JudgedLaunch:
    """Read what is judged of a launch. Raises NoSuchLaunch."""
    record = read_launch_record(connection, name)
    found = read_judgement(connection, name)
    now = datetime.now(UTC)
    steady_s = (now - record.updated_at).total_seconds()
    per_s = report_queries.read_recent_rate(connection, name, min(RATE_S, steady_s)) if steady_s >= STEADY_S else 0.0
    span_s = (found.summary.get("until_ms", 0) - found.summary.get("since_ms", 0)) / 1000 if found else 0.0
    if found and steady_s < STEADY_S and 0 < span_s < QUIET_S:
        per_s = found.summary["judged"] / span_s
    endpoints = {each.endpoint: each for each in report_queries.read_endpoint_counts(connection, name)}
    return JudgedLaunch(
        record,
        found,
        per_s,
        now,
        read_coverage(connection, record, endpoints),
        tuple(read_judged_builds(connection, name)),
        read_latest_ending(connection, name),
        report_queries.read_recent_rate(connection, name, BUSY_S) > 0,
        _doubted(connection, record, found, now),
    )


def _doubted(
    connection: Connection, record: LaunchRecord, found: Judgement | None, now: datetime
) -> tuple[tuple[str, str], ...]:
    """Ask what the judge asks before it takes in a window: whether mismatches in it may yet turn out to be noise."""
    state = record.state
    waits = (
        state.status in (LaunchStatus.ACTIVE, LaunchStatus.PAUSED)
        and state.spec.compare
        and state.spec.noise_percent > 0
    )
    if not waits or found is None or found.summary.get("condemned_ms"):
        return ()
    doubtful = read_doubtful_signatures(connection, state.name, round(now.timestamp() * 1000))
    return tuple(read_signatures_seen_since(connection, state.name, doubtful, found.judged_until)) if doubtful else ()


def describe_verdict(it: JudgedLaunch) -> str:
    """Give the verdict and why, in one line."""
    why = make_printable(str(it.summary.get("why", "")), 400)
    verdict = it.summary.get("verdict")
    if it.state.status is LaunchStatus.ROLLED_BACK:
        return f"ROLLED BACK: {why}." if verdict == "roll_back" else f"ROLLED BACK {_by_whom(it)}."
    if it.state.status is LaunchStatus.PROMOTED:
        return f"PROMOTED: {why}." if verdict == "promote" else f"PROMOTED {_by_whom(it)}."
    if verdict == "roll_back":
        return f"ROLL BACK: {why}."
    if verdict == "promote":
        return f"PROMOTE: {why}."
    if not it.summary.get("judged"):
        return f"KEEP WATCHING: nothing has been judged yet{_idle(it)}."
    if verdict == "insufficient_traffic":
        return f"INSUFFICIENT TRAFFIC: {why}."
    return f"KEEP WATCHING: {format_plural(it.summary['judged'], 'exchange')} judged, {describe_needed(it)}."


def describe_needed(it: JudgedLaunch) -> str:
    """Say what is still needed for a promotion: `about 2,199 more needed, 9 min at 4.1 a second`."""
    more, soak_s = int(it.summary.get("needed", 0)), it.summary.get("soak_ms", 0) / 1000
    if not more:
        return f"{format_seconds(soak_s)} of soaking left" if soak_s else "nothing more is needed"
    takes = (
        f", {format_seconds(max(more / it.per_s, soak_s))} at {format_decimal(it.per_s)} a second"
        if it.per_s > 0
        else ""
    )
    return f"about {format_count(more)} more needed{takes}"


def list_details(it: JudgedLaunch) -> list[str]:
    """Say what else a reader should know: who else is guilty, what stands in the way, what was not seen."""
    summary, lines = it.summary, list[str]()
    if not summary.get("judged"):
        return list_doubts(it)
    leading = cast(dict[str, Any], summary["leading"])
    others = [each for each in _list(summary, "guilty") if each["endpoint"] != leading["endpoint"]]
    if others:
        named = [make_printable(str(each["what"]), 120) for each in others[:NAMED]]
        lines.append(f"Also: {'; '.join(named)}{_more(len(others) - NAMED)}.")
    lines += list_accused_places(summary)
    if summary["verdict"] not in ("roll_back", "promote"):
        lines.append(
            f"Evidence for a rollback {format_odds(summary['log_e'])} (of {format_decimal(_bar(summary))} : 1)."
        )
    return lines + list_remarks(it) + _builds(it)


def list_routes(it: JudgedLaunch) -> list[str]:
    """Say how many of the app's routes are judged, if that is known."""
    return [f"{describe_coverage(it.coverage)}."] if it.coverage else []


def describe_late_exchanges(number: int) -> str:
    """Say how many exchanges came too late to be evidence."""
    return f"{format_plural(number, 'exchange')} came after the window was judged: counted, but no evidence."


def list_accused_places(summary: Mapping[str, Any]) -> list[str]:
    """Say at which places of the answers the shadow differs more than by noise, as of when it was condemned."""
    places = cast(list[dict[str, Any]], summary.get("places", []))
    lines = [make_printable(str(each["what"]), 300) for each in places[:NAMED]]
    return lines + ([f"and {format_count(len(places) - NAMED)} more"] if len(places) > NAMED else [])


def list_doubts(it: JudgedLaunch) -> list[str]:
    """Say that exchanges wait to be judged because a difference in them may be noise."""
    if not it.doubted or it.judgement is None:
        return []
    endpoint, title = it.doubted[0]
    more = f" and {format_count(len(it.doubted) - 1)} more" if len(it.doubted) > 1 else ""
    return [
        f"Waiting, for 10 min at most, to know if this is noise: {make_printable(endpoint, 60)} "
        f"{make_printable(title, 90)}{more}. What came since {format_second(it.judgement.judged_until)} is judged then."
    ]


def list_remarks(it: JudgedLaunch) -> list[str]:
    """Say what a person is to do, what stands in the way of a promotion, and what was not seen."""
    summary, lines = it.summary, list[str]()
    if summary["move"] and summary["by_hand"]:
        lines.append(_by_hand(it, str(summary["move"])))
    lines += list_doubts(it)
    if summary["verdict"] != "roll_back":
        lines += _coverage(summary)
    lines += _blind(it)
    if _quiet_s(it) > QUIET_S and it.state.fraction:
        lines.append(f"Nothing was captured for {format_seconds(_quiet_s(it))}: that neither promotes nor rolls back.")
    return lines


def list_objections(summary: Mapping[str, Any]) -> list[str]:
    """Say what speaks against a promotion: no evidence, a condemnation, much-used endpoints that are not judged."""
    if not summary.get("judged"):
        return ["nothing of it has been judged yet"]
    if summary["verdict"] == "roll_back":
        return [f"the verdict is to roll it back: {make_printable(str(summary['why']), 300)}"]
    return [
        f"{make_printable(each['endpoint'], 60)} carries {format_share(each['share'])} of the traffic and "
        f"is not judged yet"
        for each in _list(summary, "uncovered")
        if each["blocking"]
    ]


def verdict_to_json(it: JudgedLaunch) -> dict[str, Any]:
    """Give everything for programs."""
    return {
        "launch": it.state.name,
        "answer": it.answer.value,
        "headline": describe_verdict(it),
        "status": it.state.status.value,
        "percent": it.state.percent,
        "per_s": round(it.per_s, 3),
        "judged_until": it.judgement.judged_until if it.judgement else None,
        "routes": None if it.coverage is None else {"total": it.coverage.total, "judged": it.coverage.judged},
        "builds": [asdict(each) for each in it.builds],
        "waiting_for": [{"endpoint": endpoint, "title": title} for endpoint, title in it.doubted],
        **it.summary,
    }


def _by_hand(it: JudgedLaunch, move: str) -> str:
    name = it.state.name
    if move == "roll_back":
        return f"The judge may only advise: darklaunch rollback {name}"
    if move == "promote":
        return f"A person promotes: darklaunch promote {name}"
    step = it.summary["policy"]["steps"][it.summary["step"] + 1]
    return f"A person raises the share: darklaunch ramp {name} {step['percent']:g}"


def _by_whom(it: JudgedLaunch) -> str:
    if it.ending is None:
        return "by a person"
    why = f": {make_printable(it.ending.reason, 400).rstrip('.')}" if it.ending.reason else ""
    return f"by {make_printable(it.ending.actor, 60)}{why}"


def _builds(it: JudgedLaunch) -> list[str]:
    """Say which build the evidence is about, and of which others there is some, which says nothing about it."""
    meant = it.summary["build"]
    others = [
        f"{make_printable(each.build, 40) or 'one without a name'} ({format_plural(each.judged, 'exchange')}"
        f"{', condemned' if each.condemned else ''})"
        for each in it.builds
        if each.build != meant
    ]
    if not meant and not others:
        return []
    named = f"This is about build {make_printable(meant, 100)}" if meant else "This is about a build without a name"
    apart = ", ".join(others[-NAMED:])
    return [f"{named}; kept apart: {apart}." if others else f"{named}."]


def _coverage(summary: Mapping[str, Any]) -> list[str]:
    uncovered = _list(summary, "uncovered")
    if not uncovered:
        return []
    named = [
        f"{make_printable(each['endpoint'], 60)} ({format_share(each['share'])} of the traffic, "
        f"{format_count(each['needed'])} more)"
        for each in uncovered[:NAMED]
    ]
    missing = summary["endpoints"] - summary["covered"]
    rest = [f"and {format_count(missing - NAMED)} more"] if missing > NAMED else []
    lines = [f"Not judged yet: {format_count(missing)} of {format_plural(summary['endpoints'], 'endpoint')}:"]
    return lines + [f"  {each}" for each in (*named, *rest)]


def _blind(it: JudgedLaunch) -> list[str]:
    lines: list[str] = []
    if not it.state.spec.compare:
        lines.append("Blind: comparison is off, so that mismatches are not judged.")
    if not it.summary["latency_judged"] and it.summary["judged"] >= 200:
        lines.append("Blind: latency at p50, p95 and p99, which takes 200 answers timed by the hook in the shadow.")
    return lines


def _idle(it: JudgedLaunch) -> str:
    if it.judgement is None:
        return "; no comparator has looked at it"
    if it.doubted:
        return "; what differs may be noise"
    if it.busy:
        return "; what came in the last minute soon will be"
    return "; no traffic neither promotes nor rolls back"


def _quiet_s(it: JudgedLaunch) -> float:
    return it.now.timestamp() - float(it.summary["until_ms"]) / 1000


def _bar(summary: Mapping[str, Any]) -> float:
    return 1 / float(summary["policy"]["alpha"])


def _list(summary: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], summary[name])


def _more(number: int) -> str:
    return f", and {format_count(number)} more" if number > 0 else ""
