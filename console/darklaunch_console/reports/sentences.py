"""The sentences that reports are made of, the same as text, Markdown and in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from darklaunch_comparator.store.noise import NoisePlace

from darklaunch_console.launches import description
from darklaunch_console.output.numbers import format_count, format_decimal, format_percent, format_share
from darklaunch_console.output.numbers import format_seconds as in_words
from darklaunch_console.output.screen import make_printable
from darklaunch_console.output.text import format_plural

from .evidence import ReportEvidence, ReportProblem


def describe_problems(evidence: ReportEvidence) -> str:
    """Answer, in one sentence, what a person opens a report for."""
    name = evidence.record.state.name
    if not evidence.compared and not evidence.problems:
        replayed = evidence.ledger.unverified + evidence.ledger.shadow_error
        if replayed:
            return f"{name}: nothing could be compared in {format_plural(replayed, 'replay')}."
        return f"{name}: nothing has been compared yet."
    among = f"in {format_plural(evidence.compared, 'compared exchange')}"
    if not evidence.problems:
        return f"{name}: no problem {among}."
    named = "; ".join(name_problem(problem) for problem in evidence.problems[:3])
    more = len(evidence.problems) - 3
    return (
        f"{name}: {format_plural(len(evidence.problems), 'problem')} {among}: {named}"
        f"{f'; and {more} more' if more > 0 else ''}."
    )


def name_problem(problem: ReportProblem) -> str:
    """Name a problem in a few words."""
    return f"{make_printable(problem.endpoint, 60)} {make_printable(problem.title, 90)}"


def describe_standing(evidence: ReportEvidence) -> str:
    """Say what the launch is doing: `Active at 10 %, shadow http://…`."""
    state = evidence.record.state
    at = f" at {format_percent(state.percent)}" if state.fraction else ""
    return f"{description.describe_status(state).capitalize()}{at}, shadow {state.spec.shadow}"


def describe_period(evidence: ReportEvidence) -> str:
    """Say which span the figures are of: `since 14:02 (2 h 11 min)`."""
    if evidence.since is None or evidence.until is None:
        return f"since {format_minute(evidence.record.created_at)}"
    return f"since {format_minute(evidence.since)} ({in_words((evidence.until - evidence.since).total_seconds())})"


def render_ledger(evidence: ReportEvidence) -> str:
    """Write the ledger as the sum that it is."""
    parts = evidence.ledger
    summands = [
        f"{name} {format_count(number)}"
        for name, number in (
            ("matched", parts.matched),
            ("mismatched", parts.mismatched),
            ("ignored", parts.ignored),
            ("unverified", parts.unverified),
            ("shadow error", parts.shadow_error),
            ("dead", parts.dead),
            ("dropped", parts.dropped),
            ("on their way", parts.on_its_way),
        )
    ]
    return f"{format_count(parts.sampled)} sampled = {' + '.join(summands)}"


def list_drop_reasons(evidence: ReportEvidence) -> str:
    """Say what was dropped and why; "" when nothing was."""
    return _by_reason(evidence.ledger.dropped_by_reason)


def list_skip_reasons(evidence: ReportEvidence) -> str:
    """Say what the hook left out by design and why; "" when nothing was. Replays that reach the shadow are no news."""
    return _by_reason({reason: number for reason, number in evidence.ledger.skipped.items() if reason != "loop"})


def list_excused(evidence: ReportEvidence) -> list[str]:
    """Say what differed and was excused, place by place, most frequent first."""
    sums: dict[tuple[str, str], int] = {}
    for excuse in evidence.excuses:
        place = (excuse.path, excuse.reason)
        sums[place] = sums.get(place, 0) + excuse.count
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
    return [
        f"{make_printable(path, 60)} ({reason.replace('_', ' ')}) {format_count(number)}"
        for (path, reason), number in ordered
    ]


def list_noise(evidence: ReportEvidence) -> list[str]:
    """Say which places are noise by what was learned, with the rates at which one version differs from itself."""
    baseline = evidence.baseline
    lines = [
        f"compared by {how}: {shown}"
        for how, places in (("type", baseline.volatile), ("shape", baseline.generated))
        if (shown := _rates(places))
    ]
    if baseline.blind:
        lines.append(f"blind, a wrong value would not show: {_blind(baseline.blind)}")
    return lines


def describe_before_noise(problem: ReportProblem) -> str:
    """Say that a kind of mismatch was recorded before its places were known to be noise; "" when it was not."""
    if problem.noise_since is None:
        return ""
    if problem.only_noise:
        return f"before it was known to be noise, at {format_minute(problem.noise_since)}"
    named = ", ".join(make_printable(path, 60) for path in problem.noise)
    return f"before {named} was known to be noise, at {format_minute(problem.noise_since)}"


def count_second_replays(evidence: ReportEvidence) -> str:
    """Count the second answers that were compared: `148 control replays`."""
    spec = evidence.record.state.spec
    return format_plural(evidence.baseline.pairs, "control replay" if spec.control else "second replay")


def describe_frequency(problem: ReportProblem) -> str:
    """Say how often: `312 times, 24.1 %`."""
    times = "once" if problem.count == 1 else f"{format_count(problem.count)} times"
    return f"{times}, {format_share(problem.share)} of replays"


def count_decided(evidence: ReportEvidence) -> str:
    """Say how many kinds were accepted or resolved: `2 accepted, 1 resolved`; "" when none was."""
    counts = (("accepted", len(evidence.accepted)), ("resolved", len(evidence.resolved)))
    return ", ".join(f"{format_count(number)} {state}" for state, number in counts if number)


def describe_decision(problem: ReportProblem) -> str:
    """Say who decided about a problem, when and why: `accepted by ann@desk at 14:02: the new names`."""
    if not problem.decided or problem.decided_at is None:
        return ""
    why = f": {make_printable(problem.decided_why)}" if problem.decided_why else ""
    return f"{problem.decided} by {make_printable(problem.decided_by, 60)} at {format_minute(problem.decided_at)}{why}"


def list_other_samples(problem: ReportProblem) -> str:
    """Name the exchanges that are kept beside the first: `latest p:412, rarest p:9`."""
    others = (("latest", problem.latest_sample), ("rarest", problem.rarest_sample))
    return ", ".join(f"{role} {identity}" for role, identity in others if identity not in (None, problem.sample))


def _rates(places: Sequence[NoisePlace], shown: int = 6) -> str:
    """Name paths with their rates, over all their endpoints, the noisiest first: `$.a (100 %), $.b (31 %)`."""
    differed: dict[str, int] = {}
    pairs: dict[str, int] = {}
    for place in places:
        differed[place.path] = differed.get(place.path, 0) + place.varied + place.regenerated
        pairs[place.path] = pairs.get(place.path, 0) + place.pairs
    rates = sorted(((differed[path] / pairs[path], path) for path in pairs), key=lambda pair: (-pair[0], pair[1]))
    named = [f"{make_printable(path, 60)} ({format_share(rate, 1)})" for rate, path in rates[:shown]]
    return ", ".join(named) + (f" and {len(rates) - shown} more" if len(rates) > shown else "")


def _blind(places: Sequence[NoisePlace], shown: int = 4) -> str:
    """Name paths with where they are: `$.a (GET /x), $.b (4 endpoints)`."""
    endpoints: dict[str, list[str]] = {}
    for place in places:
        endpoints.setdefault(place.path, []).append(place.endpoint)
    named = [
        f"{make_printable(path, 60)} ({make_printable(where[0], 60) if len(where) == 1 else f'{len(where)} endpoints'})"
        for path, where in sorted(endpoints.items())
    ]
    return ", ".join(named[:shown]) + (f" and {len(named) - shown} more" if len(named) > shown else "")


def format_latency_ms(value: float) -> str:
    """Write a latency: one decimal below 10 ms, whole above."""
    return f"{value:.1f}".replace("-", "−") if abs(value) < 10 else format_count(value)


def format_minute(at: datetime) -> str:
    """Write a time: today 14:02, else with its date."""
    local = at.astimezone()
    today = datetime.now(local.tzinfo).date()
    return local.strftime("%H:%M" if local.date() == today else "%Y-%m-%d %H:%M")


def format_second(at: datetime) -> str:
    """Write a time to the second: today 14:02:31, else with its date."""
    return f"{format_minute(at)}:{at.astimezone():%S}"


def format_limit(evidence: ReportEvidence) -> str:
    """Write the limit in the head of a column: `> 2,000 ms`."""
    return f"> {format_decimal(evidence.record.state.spec.max_latency_diff_ms)} ms"


def _by_reason(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{reason.replace('_', ' ')} {format_count(number)}" for reason, number in ordered)
