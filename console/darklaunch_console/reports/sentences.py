"""The sentences that reports are made of: the same on a terminal, in Markdown and in JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from darklaunch_comparator.store.report_queries import LaunchLedger

from darklaunch_console.launches.description import describe_status
from darklaunch_console.output.numbers import format_count, format_decimal, format_percent, format_seconds, format_share
from darklaunch_console.output.screen import make_printable
from darklaunch_console.output.text import format_plural
from darklaunch_console.output.times import format_minute

from .evidence import ReportEvidence
from .noise_sentences import count_doubts
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


def describe_missing_credentials(evidence: ReportEvidence) -> str:
    """Return which share of the replays shows nothing for want of the users' credentials; "" if none does."""
    if not evidence.without_credentials:
        return ""
    replays = evidence.compared + evidence.ledger.unverified + evidence.ledger.shadow_error
    state = evidence.record.state
    return (
        f"{format_share(evidence.without_credentials / replays)} of the replays show nothing: the shadow asks who is "
        "there, because the users' credentials were left out. To send them along, encrypted (docs/SECURITY.md): "
        f"darklaunch start NAME --shadow {state.spec.shadow} --seal"
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


def _render_counts(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{reason.replace('_', ' ')} {format_count(count)}" for reason, count in ordered)
