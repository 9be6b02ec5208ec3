"""What came of the rows, as a table for people, and as Markdown in docs/EVIDENCE.md between two markers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from .launch_run import LaunchRun
from .row import Row

BEGIN, END = "<!-- launches of known truth: begin -->", "<!-- launches of known truth: end -->"
HEAD = ("launch", "timed by", "verdict", "exchanges", "after", "its first sentence")


def render_table(runs: Iterable[LaunchRun]) -> list[str]:
    """Return the rows as a Markdown table."""
    return [*render_head(), *map(render_row, runs)]


def render_head() -> list[str]:
    """Return the first two lines of the table."""
    return [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]


def render_row(run: LaunchRun) -> str:
    """Return one row, with what is wrong in it."""
    name, setting, ending, *more = list_cells(run)
    wrong = f"**WRONG** ({'; '.join(run.problems)}): " if run.problems else ""
    return f"| {' | '.join([name, setting, wrong + ending, *more])} |"


def key_of(line: str) -> str:
    """Return the beginning of a table row that tells it from all others."""
    return "|".join([*line.split("|")[:3], ""])


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


def summarize(lines: Sequence[str]) -> str:
    """Return how many rows of a table are right."""
    wrong = sum("WRONG" in line for line in lines)
    return f"{len(lines)} launches: {len(lines) - wrong} ended as they must, {wrong} did not."


def read_rows(page: Path) -> dict[str, str]:
    """Return the table rows between the markers of a page, each by what `key_of` returns for it."""
    table = page.read_text().partition(BEGIN)[2].partition(END)[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    return {key_of(line): line for line in lines if not line.startswith(f"| {HEAD[0]} |")}


def write_table(page: Path, runs: Sequence[LaunchRun], rows: Sequence[Row]) -> None:
    """Put the rows that were run into the table between the markers of a page, and leave the others as they are.

    A row that is not in `rows` any more is taken out. Raises ValueError when the page has no markers.
    """
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no markers {BEGIN} and {END}")
    known = read_rows(page) | {key_of(line): line for line in map(render_row, runs)}
    keys = [f"| {row.name} | {row.setting.value} |" for row in rows]
    lines = [known[key] for key in keys if key in known]
    table = [*render_head(), *lines, "", summarize(lines)]
    page.write_text(f"{before}{begin}\n{chr(10).join(table)}\n{end}{after}")
