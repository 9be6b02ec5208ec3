"""The judge's checks in `watch`: failures, rates, and how strong the evidence is. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from darklaunch_comparator.judging.explain import bound_chance

from darklaunch_console.output.numbers import format_count, format_decimal, format_percent, format_share, format_signed
from darklaunch_console.output.screen import BAD, GOOD, QUIET, STRONG, WARN, StyledLine
from darklaunch_console.output.table import measure_width

from .latency import format_latency_ms
from .watch_lines import Line, make_line, shorten_line

SHORTEST_GAUGE: Final = 8
_CHANCE_COLUMNS: Final = 15
"""A space and the longest chance, `< 1 in 900,000`."""
_CHECKS: Final = {"error": "no response", "p50": "p50 slower", "p95": "p95 slower", "p99": "p99 slower"}
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


def render_checks(summary: Mapping[str, Any], columns: int) -> list[Line]:
    """Return each check of the judge: failures, rate, its confidence sequence, budget, and a gauge of the evidence.

    The confidence sequence is left out where there is no room for it.
    """
    limit = 1 / float(summary["policy"]["alpha"])
    certainty = format_percent(100 * (1 - float(summary["policy"]["alpha"])))
    guards = cast(Sequence[Mapping[str, Any]], summary["guards"])
    head: tuple[str, ...] = ("Check", "failed", "rate", f"{certainty} between", "budget")
    cells = [_render_check_cells(guard) for guard in guards]
    widths = [max(measure_width(row[at]) for row in [head, *cells]) for at in range(len(head))]
    taken = sum(widths) + 2 * len(widths) + _CHANCE_COLUMNS
    if taken + SHORTEST_GAUGE > columns:
        head, *cells = (row[:3] + row[4:] for row in (head, *cells))
        taken -= widths.pop(3) + 2
    gauge = max(SHORTEST_GAUGE, columns - taken)
    title = f"{_join_cells(head, widths)}  rolls back below 1 in {format_decimal(limit)}"
    lines: list[Line] = [make_line(shorten_line(title, columns), STRONG)]
    for row, guard in zip(cells, guards, strict=True):
        gauge_spans = _render_gauge(float(guard["log_e"]), math.log(limit), gauge)
        lines.append(((_join_cells(row, widths) + "  ", ""), *gauge_spans))
    together = f"{'all together':{sum(widths) + 2 * len(widths)}}"
    return [*lines, ((together, STRONG), *_render_gauge(float(summary["log_e"]), math.log(limit), gauge))]


def _render_check_cells(guard: Mapping[str, Any]) -> tuple[str, ...]:
    name = _CHECKS.get(str(guard["guard"]), str(guard["guard"]))
    if "failed" not in guard:  # a quantile: responses past the primary's threshold, more or fewer than expected
        excess = format_signed(guard["slower"] - guard["faster"]) if guard["n"] else "–"
        threshold_ms = guard.get("threshold_ms")
        threshold = f"past {format_latency_ms(threshold_ms)} ms" if threshold_ms else "no threshold yet"
        return name, excess, f"of {format_count(guard['n'])}", threshold, ""
    rate = format_share(guard["failed"] / guard["n"]) if guard["n"] else "–"
    interval = f"{format_decimal(100 * guard['low'], 2)} – {format_share(guard['high'])}"
    return name, format_count(guard["failed"]), rate, interval, format_share(guard["budget"])


def _render_gauge(log_e: float, log_limit: float, columns: int) -> tuple[StyledLine, ...]:
    """Return evidence as a bar on a logarithmic scale that is full at the limit, and how likely it is chance."""
    filled = max(0.0, min(1.0, log_e / log_limit)) * columns
    whole, eighth = int(filled), int(8 * (filled - int(filled)))
    bar = "█" * whole + (_EIGHTHS[eighth] if eighth else "")
    style = BAD if log_e >= log_limit else WARN if log_e >= log_limit / 2 else GOOD
    denominator = bound_chance(log_e)
    label = f"< 1 in {denominator:,}" if denominator else "may be chance"
    return ((bar, style), ("·" * (columns - len(bar)), QUIET), (f" {label:>{_CHANCE_COLUMNS - 1}}", ""))


def _join_cells(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell + " " * (room - measure_width(cell)) if not number else " " * (room - measure_width(cell)) + cell
        for number, (cell, room) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded)
