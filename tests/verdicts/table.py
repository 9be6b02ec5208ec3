"""What came of the rows, as a table for people, and as Markdown in docs/EVIDENCE.md between two markers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from .launch_run import LaunchRun

BEGIN, END = "<!-- launches of known truth: begin -->", "<!-- launches of known truth: end -->"
HEAD = ("", "timed by", "verdict", "exchanges", "after", "its first sentence")


def render_table(runs: Iterable[LaunchRun]) -> list[str]:
    """Return the rows as a Markdown table."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    return lines + [f"| {' | '.join(list_cells(run))} |" for run in runs]


def list_cells(run: LaunchRun) -> tuple[str, ...]:
    """Return the cells of one row."""
    sentence = run.sentence.partition(": ")[2] or run.sentence
    return (
        run.row.name,
        run.row.setting.value,
        run.ending or "none",
        f"{run.judged:,}",
        f"{run.seconds:.0f} s",
        sentence.replace("|", "\\|"),
    )


def describe_run(run: LaunchRun) -> str:
    """Return what came of one row in a line, and what is wrong with it."""
    outcome = "WRONG" if run.problems else "ok"
    name, setting, ending, judged, after, sentence = list_cells(run)
    line = f"{outcome:5} {name} ({setting}): {ending} after {judged} exchanges, {after}. {sentence}"
    return "\n".join([line, *(f"      {problem}" for problem in run.problems)])


def summarize(runs: Sequence[LaunchRun]) -> str:
    """Return how many rows are right."""
    right = sum(not run.problems for run in runs)
    return f"{len(runs)} launches, {right} as they must be, {len(runs) - right} not."


def write_table(page: Path, lines: Sequence[str]) -> None:
    """Put lines between the markers of a page. Raises ValueError when it has none."""
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no markers {BEGIN} and {END}")
    page.write_text(f"{before}{begin}\n{chr(10).join(lines)}\n{end}{after}")
