"""What the demo prints of its results, in a newcomer's words, and what to type next."""

from __future__ import annotations

import os
from typing import Final

from darklaunch_console.output.numbers import format_count, format_seconds
from darklaunch_console.output.screen import BAD, GOOD, STRONG, make_printable
from darklaunch_console.reports.evidence import ReportEvidence
from darklaunch_console.reports.problems import ReportProblem
from darklaunch_console.reports.sentences import list_drop_reasons
from darklaunch_console.settings import DATABASE_VARIABLES, REDIS_VARIABLES

from .expected import NOISE, find_planted
from .first_act import FirstActResult
from .load import LoadSummary
from .narrator import DemoNarrator
from .second_act import SecondActResult

OWN_APP: Final = (
    ("darklaunch up", "run servers, workers and a comparator"),
    ("app.add_middleware(CaptureMiddleware)", "in your app: from darklaunch import it"),
    ("darklaunch start NAME --shadow URL", "mirror 10 % of reads to a new version"),
    ("darklaunch watch NAME", "watch it being judged"),
)


def tell_first_act(result: FirstActResult, mistakes: list[str], narrator: DemoNarrator) -> None:
    """Print the verdict about v2, each bug with its evidence, and what was rightly ignored."""
    evidence = result.evidence
    _tell_users(result.users, "v2", narrator)
    narrator.tell(evidence.verdict[0], style=BAD, indent="")
    narrator.tell(describe_ledger(evidence))
    for number, problem in enumerate(evidence.problems, 1):
        _tell_problem(number, problem, narrator)
    narrator.tell(f"Ignored, because two copies of v1 differ there as well: {', '.join(NOISE)}.")
    if mistakes:
        _tell_mistakes(mistakes, narrator)
    else:
        narrator.tell("These are the three planted bugs, and nothing else. v2 is rolled back.", style=GOOD)
    narrator.tell()


def tell_second_act(result: SecondActResult, mistakes: list[str], narrator: DemoNarrator) -> None:
    """Print the verdict about v3."""
    _tell_users(result.users, "v3", narrator)
    narrator.tell(result.evidence.verdict[0], style=BAD if mistakes else GOOD, indent="")
    narrator.tell(describe_ledger(result.evidence))
    if mistakes:
        _tell_mistakes(mistakes, narrator)
    narrator.tell()


def tell_next(took_s: float, narrator: DemoNarrator) -> None:
    """Print what to type after the demo."""
    narrator.tell(f"That took {format_seconds(took_s)}. Next:", style=STRONG, indent="")
    _tell_command("darklaunch demo --keep", "the same, left running to look around", narrator)
    narrator.tell("With your own app:", style=STRONG, indent="")
    for command, purpose in OWN_APP:
        _tell_command(command, purpose, narrator)


def tell_kept(evidence: ReportEvidence, took_s: float, narrator: DemoNarrator) -> None:
    """Print what can be typed in another terminal while the demo is left running."""
    narrator.tell(
        f"That took {format_seconds(took_s)}. All of it keeps running until Ctrl-C: in another terminal", indent=""
    )
    if variables := [name for name in (*REDIS_VARIABLES, *DATABASE_VARIABLES) if os.environ.get(name)]:
        narrator.tell(f"unset {' '.join(variables)}, which would name other servers; then", indent="")
    if samples := [problem.sample for problem in evidence.problems if problem.sample]:
        _tell_command(f"darklaunch inspect {samples[0]}", "the first bug, both responses", narrator)
        _tell_command(f"darklaunch curl {samples[-2:][0]}", "curl commands for the second", narrator)
    _tell_command(f"darklaunch report {evidence.record.state.name}", "all that is known about v2", narrator)
    _tell_command("darklaunch history shop-v3", "each decision of the judge about v3", narrator)


def describe_ledger(evidence: ReportEvidence) -> str:
    """Return what became of the mirrored reads: `969 reads mirrored: 729 responses equal, 237 different, …`."""
    ledger = evidence.ledger
    dropped = f", {_describe_dropped(evidence)}" if ledger.dropped else ""
    rest = ledger.ignored + ledger.unverified + ledger.dead
    other = f", {format_count(rest)} not compared" if rest else ""
    return (
        f"{format_count(ledger.sampled)} reads mirrored: {format_count(ledger.matched)} responses equal, "
        f"{format_count(ledger.mismatched)} different, {format_count(ledger.shadow_error)} missing{dropped}{other}."
    )


def _describe_dropped(evidence: ReportEvidence) -> str:
    number = format_count(evidence.ledger.dropped)
    if set(evidence.ledger.dropped_by_reason) == {"paused"}:  # the reason when a launch has been promoted, too
        return f"{number} not sent, because the launch had ended"
    return f"{number} dropped ({list_drop_reasons(evidence)})"


def _tell_problem(number: int, problem: ReportProblem, narrator: DemoNarrator) -> None:
    title = make_printable(f"{problem.endpoint}  {problem.title}", 200)
    narrator.tell(f"{number}. {title}; {_count_times(problem.count)}")
    narrator.tell(make_printable(problem.example, 200), indent="     ")
    if planted := find_planted(problem):
        narrator.tell(f"The bug: {planted.what}.", indent="     ")


def _count_times(count: int) -> str:
    return "once" if count == 1 else f"{format_count(count)} times"


def _tell_users(users: LoadSummary, release: str, narrator: DemoNarrator) -> None:
    narrator.tell(
        f"{format_count(users.sent)} visitors came: {users.errors} errors, median {users.latencies.p50_ms:.1f} ms. "
        f"None of them waited for {release}."
    )


def _tell_mistakes(mistakes: list[str], narrator: DemoNarrator) -> None:
    narrator.tell("This did not come out as it should:", style=BAD, indent="")
    for mistake in mistakes:
        narrator.tell(mistake)


def _tell_command(command: str, purpose: str, narrator: DemoNarrator) -> None:
    narrator.print_text(f"  {command:<38}{purpose}", "")
