"""The sentences that reports are made of: the same on a terminal, in Markdown and in JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from darklaunch_comparator.compare import NoiseAspect
from darklaunch_comparator.noise.learning import NoiseState
from darklaunch_comparator.store.noise import NoisePlace
from darklaunch_comparator.store.report_queries import ExcuseCount, LaunchLedger

from darklaunch_console.launches.description import describe_status
from darklaunch_console.output.numbers import format_count, format_decimal, format_percent, format_seconds, format_share
from darklaunch_console.output.screen import make_printable
from darklaunch_console.output.text import format_plural

from .evidence import ReportEvidence
from .problems import ReportProblem

OUTCOME_MEANINGS: Final = {
    "ignored": "differ only where you allow it",
    "unverified": "could not be compared",
    "shadow error": "no usable response of the shadow",
    "dead": "failed again and again, kept as dead letters",
    "dropped": "never replayed",
    "on their way": "no outcome yet",
}
"""What the words of the ledger mean that do not explain themselves."""


def describe_problems(evidence: ReportEvidence) -> str:
    """Return in one sentence what differs, the answer a report is opened for."""
    name = evidence.record.state.name
    if not evidence.compared and not evidence.problems:
        replayed = evidence.ledger.unverified + evidence.ledger.shadow_error
        if replayed:
            return f"{name}: nothing could be compared in {format_plural(replayed, 'replay')}."
        return f"{name}: nothing has been compared yet."
    among = f"in {format_plural(evidence.compared, 'compared exchange')}"
    doubts = f"; {doubted}" if (doubted := count_doubts(evidence)) else ""
    if not evidence.problems:
        return f"{name}: no problem {among}{doubts}."
    named = "; ".join(name_problem(problem) for problem in evidence.problems[:3])
    more = len(evidence.problems) - 3
    return (
        f"{name}: {format_plural(len(evidence.problems), 'problem')} {among}: {named}"
        f"{f'; and {more} more' if more > 0 else ''}{doubts}."
    )


def count_doubts(evidence: ReportEvidence) -> str:
    """Return how many kinds of mismatch may be noise: `2 kinds of mismatch may be noise and are not judged yet`."""
    number = len(evidence.in_doubt)
    if not number:
        return ""
    return (
        f"{format_plural(number, 'kind')} of mismatch may be noise and {'is' if number == 1 else 'are'} not judged yet"
    )


def describe_strangers(evidence: ReportEvidence) -> str:
    """Return which share of the replays shows nothing for want of the users' credentials; "" if none does."""
    if not evidence.strangers:
        return ""
    replays = evidence.compared + evidence.ledger.unverified + evidence.ledger.shadow_error
    state = evidence.record.state
    return (
        f"{format_share(evidence.strangers / replays)} of the replays show nothing: the shadow asks who is there, "
        "because the users' credentials were left out. To send them along, encrypted (docs/SECURITY.md): "
        f"darklaunch start NAME --shadow {state.spec.shadow} --seal"
    )


def describe_unwitnessed(evidence: ReportEvidence) -> str:
    """Return what was excused by its form alone, without a baseline to say whether it ought to differ; "" if nothing.

    The most frequent places come first.
    """
    named = [
        f"{place} {format_plural(count, 'time')}"
        for place, count in _count_places(excuse for excuse in evidence.excuses if not excuse.witnessed)
    ]
    if not named:
        return ""
    more = f" and {format_count(len(named) - 3)} more" if len(named) > 3 else ""
    advice = "" if evidence.record.state.spec.control else "; a baseline would: --control URL"
    return (
        "Differed and was excused by its form alone, as a time or an id; no second response of the primary's version "
        f"has shown that it ought to differ: {', '.join(named[:3])}{more}{advice}."
    )


def name_problem(problem: ReportProblem) -> str:
    """Return a problem's endpoint and what differs there."""
    return f"{make_printable(problem.endpoint, 60)} {make_printable(problem.title, 90)}"


def describe_standing(evidence: ReportEvidence) -> str:
    """Return what the launch does now: `Active at 10 %, shadow http://…`."""
    state = evidence.record.state
    share = f" at {format_percent(state.percent)}" if state.fraction else ""
    return f"{describe_status(state).capitalize()}{share}, shadow {state.spec.shadow}"


def describe_period(evidence: ReportEvidence) -> str:
    """Return the period that the figures are about: `since 14:02 (2 h 11 min)`."""
    if evidence.since is None or evidence.until is None:
        return f"since {format_minute(evidence.record.created_at)}"
    duration = format_seconds((evidence.until - evidence.since).total_seconds())
    return f"since {format_minute(evidence.since)} ({duration})"


def render_ledger(evidence: ReportEvidence) -> str:
    """Return the ledger as the sum that it is, outcomes that did not occur left out."""
    counts = [(name, count) for name, count in list_outcomes(evidence.ledger) if count]
    summands = [f"{format_count(count)} {name}" for name, count in counts] or ["0"]
    return f"{format_count(evidence.ledger.sampled)} sampled = {' + '.join(summands)}"


def list_outcome_meanings(evidence: ReportEvidence) -> list[str]:
    """Return the meaning of each word that `render_ledger` shows and that does not explain itself."""
    occurring = [name for name, count in list_outcomes(evidence.ledger) if count]
    return [f"{name}: {OUTCOME_MEANINGS[name]}" for name in occurring if name in OUTCOME_MEANINGS]


def list_outcomes(ledger: LaunchLedger) -> list[tuple[str, int]]:
    """Return what the sampled exchanges came to, as (word, count), in the order in which it is told."""
    return [
        ("matched", ledger.matched),
        ("mismatched", ledger.mismatched),
        ("ignored", ledger.ignored),
        ("unverified", ledger.unverified),
        ("shadow error", ledger.shadow_error),
        ("dead", ledger.dead),
        ("dropped", ledger.dropped),
        ("on their way", ledger.on_its_way),
    ]


def list_drop_reasons(evidence: ReportEvidence) -> str:
    """Return why exchanges were dropped; "" when none was."""
    return _render_counts(evidence.ledger.dropped_by_reason)


def list_skip_reasons(evidence: ReportEvidence) -> str:
    """Return why the hook left out requests by design; "" when it left out none.

    Replays that pass through the shadow's own hook (`loop`) are left out by design too, and tell a reader nothing.
    """
    return _render_counts({reason: count for reason, count in evidence.ledger.skipped.items() if reason != "loop"})


def list_excused(evidence: ReportEvidence) -> list[str]:
    """Return what differed and was excused, place by place, the most frequent first."""
    return [
        f"{place} {format_count(count)}"
        for place, count in _count_places(excuse for excuse in evidence.excuses if excuse.witnessed)
    ]


def list_noise(evidence: ReportEvidence) -> list[str]:
    """Return the places known to be noise, with the rates at which one version differs from itself."""
    baseline = evidence.baseline
    values = [place for place in baseline.volatile if place.aspect == NoiseAspect.VALUE]
    lines = [
        f"{how}: {rates}"
        for how, places in (
            ("compared by type only", [place for place in values if place.state != NoiseState.MEASURED]),
            ("compared by type, and often ten times or a tenth of the primary's", baseline.far),
            ("compared by shape only", baseline.generated),
            ("there or not, or of another size", [place for place in baseline.volatile if place not in values]),
        )
        if (rates := _list_rates(places))
    ]
    if baseline.blind:
        lines.append(f"differ nearly always, so that a wrong value would not show: {_list_blind(baseline.blind)}")
    return lines


def describe_far_numbers(places: Sequence[NoisePlace]) -> str:
    """Return where numbers that are noise are often over ten times the primary's, most often first; "" for nowhere."""
    if not places:
        return ""
    first = places[0]
    name = f"{make_printable(first.endpoint, 60)} {make_printable(first.name, 60)}"
    more = f" and {format_plural(len(places) - 1, 'more place')}" if len(places) > 1 else ""
    return (
        f"Worth a look: {name} is over ten times the primary's in {format_count(first.far_rising)} of "
        f"{format_plural(first.seen, 'response')} asked for twice, under a tenth in {format_count(first.far_falling)}"
        f"{more}. Not held against the shadow, because the number differs by itself."
    )


def describe_before_noise(problem: ReportProblem) -> str:
    """Return that a mismatch was recorded before its places were known to be noise; "" when it was not."""
    if problem.noise_since is None:
        return ""
    if problem.only_noise:
        return f"before it was known to be noise, at {format_minute(problem.noise_since)}"
    named = ", ".join(make_printable(path, 60) for path in problem.noise)
    return f"before {named} was known to be noise, at {format_minute(problem.noise_since)}"


def count_second_replays(evidence: ReportEvidence) -> str:
    """Return how many second replays were compared: `148 control replays`."""
    spec = evidence.record.state.spec
    return format_plural(evidence.baseline.pairs, "control replay" if spec.control else "second replay")


def describe_frequency(problem: ReportProblem) -> str:
    """Return how often a problem occurred: `312 times, 24.1 % of replays`."""
    times = "once" if problem.count == 1 else f"{format_count(problem.count)} times"
    return f"{times}, {format_share(problem.share)} of replays"


def count_decided(evidence: ReportEvidence) -> str:
    """Return how many kinds of mismatch people decided about: `2 accepted, 1 resolved`; "" for none."""
    counts = (("accepted", len(evidence.accepted)), ("resolved", len(evidence.resolved)))
    return ", ".join(f"{format_count(number)} {state}" for state, number in counts if number)


def describe_decision(problem: ReportProblem) -> str:
    """Return who decided about a problem, when and why: `accepted by ann@desk at 14:02: the new names`."""
    if not problem.decided or problem.decided_at is None:
        return ""
    why = f": {make_printable(problem.decided_why)}" if problem.decided_why else ""
    actor = make_printable(problem.decided_by, 60)
    return f"{problem.decided} by {actor} at {format_minute(problem.decided_at)}{why}"


def list_other_samples(problem: ReportProblem) -> str:
    """Return the exchanges that are kept beside the first: `latest p:412, rarest p:9`."""
    others = (("latest", problem.latest_sample), ("rarest", problem.rarest_sample))
    return ", ".join(f"{role} {identity}" for role, identity in others if identity not in (None, problem.sample))


def format_limit(evidence: ReportEvidence) -> str:
    """Return the launch's latency limit as the head of a column: `> 2,000 ms`."""
    return f"> {format_decimal(evidence.record.state.spec.max_latency_diff_ms)} ms"


def format_minute(at: datetime) -> str:
    """Return a local time: `14:02` today, else with its date."""
    local = at.astimezone()
    today = datetime.now(local.tzinfo).date()
    return local.strftime("%H:%M" if local.date() == today else "%Y-%m-%d %H:%M")


def format_second(at: datetime) -> str:
    """Return a local time to the second: `14:02:31` today, else with its date."""
    return f"{format_minute(at)}:{at.astimezone():%S}"


def _list_rates(places: Sequence[NoisePlace], shown: int = 6) -> str:
    """Return paths with their rates over all endpoints, the noisiest first: `$.a (100 %), $.b (31 %)`."""
    differed: dict[str, int] = {}
    pairs: dict[str, int] = {}
    for place in places:
        differed[place.name] = differed.get(place.name, 0) + place.own
        pairs[place.name] = pairs.get(place.name, 0) + place.seen
    rates = sorted(((differed[path] / pairs[path], path) for path in pairs), key=lambda pair: (-pair[0], pair[1]))
    named = [f"{make_printable(path, 60)} ({format_share(rate, 1)})" for rate, path in rates[:shown]]
    return ", ".join(named) + (f" and {len(rates) - shown} more" if len(rates) > shown else "")


def _list_blind(places: Sequence[NoisePlace], shown: int = 4) -> str:
    """Return paths with the endpoints they are at: `$.a (GET /x), $.b (4 endpoints)`."""
    endpoints: dict[str, list[str]] = {}
    for place in places:
        endpoints.setdefault(place.path, []).append(place.endpoint)
    named = [
        f"{make_printable(path, 60)} ({make_printable(names[0], 60) if len(names) == 1 else f'{len(names)} endpoints'})"
        for path, names in sorted(endpoints.items())
    ]
    return ", ".join(named[:shown]) + (f" and {len(named) - shown} more" if len(named) > shown else "")


def _render_counts(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{reason.replace('_', ' ')} {format_count(count)}" for reason, count in ordered)


def _count_places(excuses: Iterable[ExcuseCount]) -> list[tuple[str, int]]:
    """Sum excuses up by place and reason over all endpoints, the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for excuse in excuses:
        place = (excuse.path, excuse.reason)
        counts[place] = counts.get(place, 0) + excuse.count
    return [
        (f"{make_printable(path, 60)} ({reason.replace('_', ' ')})", count)
        for (path, reason), count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
