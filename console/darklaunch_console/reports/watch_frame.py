"""A look at a launch as lines of a given width, the verdict first. Pure: a line is spans of (text, style)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from darklaunch_comparator.judging.explain import format_chance

from darklaunch_console.launches.description import describe_status
from darklaunch_console.output.numbers import (
    format_count,
    format_decimal,
    format_percent,
    format_seconds,
)
from darklaunch_console.output.screen import BAD, QUIET, STRONG, WARN, StyledLine, make_printable
from darklaunch_console.output.table import measure_width
from darklaunch_console.output.text import format_plural

from .judgement import VerdictAnswer
from .latency import render_latency_cells
from .sentences import list_outcomes
from .verdict_text import STYLES, describe_verdict, list_doubts, list_remarks, list_routes
from .watch_checks import render_checks
from .watch_data import WatchData
from .watch_lines import Line, clip_line, make_line, shorten_line, strip_styles, wrap_line

NARROWEST: Final = 40
WIDEST: Final = 120
UNLIMITED: Final = 10_000
"""Rows for a frame that need not fit a screen."""
LABEL_COLUMNS: Final = 12
_MODES: Final = {"advise": "(the judge advises)", "manual": "(the judge may roll back)"}
_OUTCOME_COLOURS: Final = {
    "mismatched": BAD,
    "shadow error": BAD,
    "unverified": WARN,
    "dead": WARN,
    "dropped": WARN,
}
_QUANTILES: Final = ("p50", "p95", "p99", "p50", "p95", "p99", "p50", "p95", "")


def render_frame(look: WatchData, columns: int = 80, rows: int = UNLIMITED, trouble: str = "") -> list[Line]:
    """Return a look as at most `rows` lines of at most `columns`; what does not fit is left out from the end.

    `trouble` says why the look is stale, if it is.
    """
    columns = max(NARROWEST, min(WIDEST, columns))
    style = STYLES[look.judged.answer]
    lines = [make_line(line, style) for line in wrap_line(describe_verdict(look.judged), columns)[:3]]
    lines.append(_render_standing(look, columns))
    if trouble:
        lines += [make_line(line, WARN) for line in wrap_line(trouble, columns)[:2]]
    lines += [(), *_render_ledger(look, columns), _render_backlog(look)]
    if look.judged.summary.get("judged"):
        lines += [(), *render_checks(look.judged.summary, columns)]
        lines += _render_remarks(look, columns, at_most=2 if rows <= 30 else 12)
    elif doubts := list_doubts(look.judged):
        lines += [(), *(make_line(line) for line in wrap_line(doubts[0], columns))]
    if look.latency and len(lines) + 4 <= rows:
        lines += [(), *_render_latency(look, columns, rows - len(lines) - 1)]
    return [clip_line(line, columns) for line in lines[:rows]]


def render_news(look: WatchData) -> str:
    """Return where a launch is on one line: `14:02:31  10 %  KEEP WATCHING: …`."""
    at = look.judged.now.astimezone().strftime("%H:%M:%S")
    return f"{at}  {describe_news(look)}"


def describe_news(look: WatchData) -> str:
    """Return share and verdict of a launch on one line, without the time: what differs from it is news."""
    return f"{format_percent(look.judged.state.percent):>5}  {describe_verdict(look.judged)}"


def _render_standing(look: WatchData, columns: int) -> Line:
    state = look.judged.state
    at = look.judged.now.astimezone().strftime("%H:%M:%S")
    standing = f"{state.name}: {describe_status(state)}"
    if state.fraction:
        standing += f", {format_percent(state.percent)} of the traffic"
    room = columns - len(at) - 2
    ramp = _render_ramp(look)
    if ramp and measure_width(standing) + measure_width(ramp) + 2 <= room:
        standing += f"  {ramp}"
    standing = shorten_line(standing, room)
    return ((standing, ""), (" " * (columns - measure_width(standing) - len(at)), ""), (at, QUIET))


def _render_ramp(look: WatchData) -> str:
    """Return the steps of an automatic ramp, the present one marked: `1 › [10] › 50 › 100 %`; else the judge's mode."""
    policy = cast(Mapping[str, Any], look.judged.summary.get("policy") or {})
    if policy.get("mode") != "auto":
        return _MODES.get(str(policy.get("mode")), "")
    present = look.judged.state.percent
    steps = [float(step["percent"]) for step in policy["steps"]]
    return f"ramp {' › '.join(f'[{step:g}]' if step == present else f'{step:g}' for step in steps)} %"


def _render_ledger(look: WatchData, columns: int) -> list[Line]:
    """Return the ledger as a sum, folded below its first summand; outcomes that did not occur are left out."""
    outcomes = [(name, count) for name, count in list_outcomes(look.ledger) if count]
    total = f"{format_count(look.ledger.sampled)} sampled"
    lines: list[list[StyledLine]] = [[(f"{'Ledger':{LABEL_COLUMNS}}", STRONG), (total, "")]]
    used = LABEL_COLUMNS + measure_width(total)
    for number, (name, count) in enumerate(outcomes):
        text = f"{' + ' if number else ' = '}{format_count(count)} {name}"
        if used + measure_width(text) > columns:
            lines.append([(" " * LABEL_COLUMNS, "")])
            text, used = text.lstrip(), LABEL_COLUMNS
        lines[-1].append((text, _OUTCOME_COLOURS.get(name, "")))
        used += measure_width(text)
    return [tuple(line) for line in lines]


def _render_backlog(look: WatchData) -> Line:
    label = f"{'Backlog':{LABEL_COLUMNS}}"
    backlog = look.backlog
    if backlog is None:
        return ((label, STRONG), ("unknown: Redis does not respond", WARN))
    if backlog.waiting or backlog.in_flight or backlog.to_compare:
        text = (
            f"{format_count(backlog.waiting)} waiting, {format_count(backlog.in_flight)} in flight, "
            f"{format_count(backlog.to_compare)} to compare, oldest {format_seconds(backlog.oldest_s)}"
        )
    else:
        text = "nothing waits"
    text += f"; {format_decimal(backlog.compared_per_s)} compared/s"
    stuck = not backlog.workers and (backlog.waiting or backlog.in_flight)
    return ((label, STRONG), (text, ""), ("; no worker is running", WARN) if stuck else ("", ""))


def _render_remarks(look: WatchData, columns: int, at_most: int) -> list[Line]:
    """Return the check with the most evidence, and what else a reader should know."""
    summary = look.judged.summary
    lines: list[Line] = []
    leading = cast(Mapping[str, Any], summary["leading"])
    if float(leading["log_e"]) > 0 and look.judged.answer is not VerdictAnswer.ROLL_BACK:
        what = make_printable(str(leading["what"]), 200)
        parts = wrap_line(f"{what}; {format_chance(float(leading['log_e']))}", columns - LABEL_COLUMNS)[:2]
        lines.append(((f"{'Most likely':{LABEL_COLUMNS}}", STRONG), (parts[0], "")))
        lines += [make_line(" " * LABEL_COLUMNS + part) for part in parts[1:]]
    for remark in [*list_remarks(look.judged), *list_routes(look.judged)]:
        if remark.startswith(" ") and lines:  # an item of the list in the line before
            start = strip_styles(lines[-1])
            separator = " " if start.endswith(":") else "; "
            lines[-1] = make_line(shorten_line(f"{start}{separator}{remark.strip()}", columns))
        else:
            lines.append(make_line(shorten_line(remark, columns)))
    return lines[:at_most]


def _render_latency(look: WatchData, columns: int, rows: int) -> list[Line]:
    """Return both sides' quantiles, all endpoints together first, then those with the most slow requests."""
    everything, endpoints = look.latency[-1], look.latency[:-1]
    shown = [everything, *endpoints[: max(0, rows - 3)]]
    limit = f"> {format_decimal(look.judged.state.spec.max_latency_diff_ms)} ms"
    cells = [render_latency_cells(row) for row in shown]
    widths = [max(5, *(measure_width(row[at]) for row in cells)) for at in range(len(_QUANTILES))]
    widths[-1] = max(measure_width(limit), widths[-1])
    groups = (widths[0:3], widths[3:6], widths[6:8])
    taken = sum(sum(group) + len(group) - 1 for group in groups) + 3 * 2 + 2 + widths[-1]
    room = max(12, columns - taken)
    titles = [
        f"{title:>{sum(group) + len(group) - 1}}"
        for title, group in zip(("primary", "shadow", "paired"), groups, strict=True)
    ]
    lines = [
        make_line(f"{'Latency, ms':<{room}}  {'  '.join(titles)}  {limit:>{widths[-1]}}", STRONG),
        make_line(f"{'':<{room}}  {_join_figures(_QUANTILES, widths)}", QUIET),
    ]
    for row, figures in zip(shown, cells, strict=True):
        name = shorten_line(make_printable(row.endpoint, 60), room)
        lines.append(make_line(f"{name}{' ' * (room - measure_width(name))}  {_join_figures(figures, widths)}"))
    if (omitted := len(look.latency) - len(shown)) > 0 and len(shown) > 1:
        lines[-1] = make_line(f"and {format_plural(omitted + 1, 'more endpoint')}", QUIET)
    return lines


def _join_figures(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [" " * (room - measure_width(cell)) + cell for cell, room in zip(cells, widths, strict=True)]
    return f"{' '.join(padded[0:3])}  {' '.join(padded[3:6])}  {' '.join(padded[6:8])}  {padded[8]}"
