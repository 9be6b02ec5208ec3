"""A look as lines of a given width, the verdict first. Pure: a line is spans of (text, style)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from darklaunch_comparator.judging.explain import format_odds

from darklaunch_console.launches.description import describe_status
from darklaunch_console.output.numbers import (
    format_count,
    format_decimal,
    format_percent,
    format_seconds,
    format_share,
    format_signed,
)
from darklaunch_console.output.screen import BAD, GOOD, QUIET, STRONG, WARN, make_printable
from darklaunch_console.output.table import measure_width, split_at
from darklaunch_console.output.text import format_plural

from .evidence import LatencyRow
from .judgement import VerdictAnswer, describe_verdict, list_doubts, list_remarks, list_routes
from .sentences import format_latency_ms
from .watch_data import WatchData

Span = tuple[str, str]
Line = tuple[Span, ...]

NARROWEST: Final = 40
WIDEST: Final = 120
_NAMES: Final = {"error": "no answer", "p50": "p50 slower", "p95": "p95 slower", "p99": "p99 slower"}
_COLOURS: Final = {VerdictAnswer.PROMOTE: GOOD, VerdictAnswer.ROLL_BACK: BAD, VerdictAnswer.UNDECIDED: STRONG}
_QUANTILES: Final = ("p50", "p95", "p99", "p50", "p95", "p99", "p50", "p95", "")
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_NO_MORE: Final = 10_000
"""Rows for a frame that need not fit a screen."""


def render_frame(look: WatchData, columns: int = 80, rows: int = _NO_MORE, trouble: str = "") -> list[Line]:
    """Lay a look out in at most `rows` lines of at most `columns`; what fits less is left out from the end.

    `trouble` is why what is shown is not of now.
    """
    columns = max(NARROWEST, min(WIDEST, columns))
    style = _COLOURS[look.judged.answer]
    lines = [_plain(line, style) for line in _fold(describe_verdict(look.judged), columns)[:3]]
    lines += [_standing(look, columns)]
    if trouble:
        lines += [_plain(line, WARN) for line in _fold(trouble, columns)[:2]]
    lines += [(), *_ledger(look, columns)]
    if look.judged.summary.get("judged"):
        lines += [(), *_guards(look.judged.summary, columns)]
        lines += _remarks(look, columns, at_most=2 if rows <= 30 else 12)
    elif told := list_doubts(look.judged):
        lines += [(), *(_plain(line) for line in _fold(told[0], columns))]
    if look.latency and len(lines) + 4 <= rows:
        lines += [(), *_latency(look, columns, rows - len(lines) - 1)]
    return [_clip(line, columns) for line in lines[:rows]]


def render_news(look: WatchData) -> str:
    """Say where a launch is on one line: `14:02:31  10 %  KEEP WATCHING: …`."""
    at = look.judged.now.astimezone().strftime("%H:%M:%S")
    return f"{at}  {format_percent(look.judged.state.percent):>5}  {describe_verdict(look.judged)}"


def strip_styles(line: Line) -> str:
    """Give a line without its styles."""
    return "".join(text for text, _ in line).rstrip()


def _standing(look: WatchData, columns: int) -> Line:
    state = look.judged.state
    at = look.judged.now.astimezone().strftime("%H:%M:%S")
    doing = f"{state.name}: {describe_status(state)}"
    if state.fraction:
        doing += f", {format_percent(state.percent)} of the traffic"
    room = columns - len(at) - 2
    ramp = _ramp(look)
    if ramp and measure_width(doing) + measure_width(ramp) + 2 <= room:
        doing += f"  {ramp}"
    doing = _cut(doing, room)
    return ((doing, ""), (" " * (columns - measure_width(doing) - len(at)), ""), (at, QUIET))


def _ramp(look: WatchData) -> str:
    """Draw the steps of an automatic ramp, the present one marked: `1 › [10] › 50 › 100 %`; what else the judge may."""
    policy = cast(Mapping[str, Any], look.judged.summary.get("policy") or {})
    if policy.get("mode") != "auto":
        return {"advise": "(the judge advises)", "manual": "(the judge may roll back)"}.get(str(policy.get("mode")), "")
    here = look.judged.state.percent
    steps = [float(step["percent"]) for step in policy["steps"]]
    named = " › ".join(f"[{step:g}]" if step == here else f"{step:g}" for step in steps)
    return f"ramp {named} %"


def _ledger(look: WatchData, columns: int) -> list[Line]:
    parts = look.ledger
    outcomes = (
        ("matched", parts.matched, ""),
        ("mismatched", parts.mismatched, BAD if parts.mismatched else ""),
        ("ignored", parts.ignored, ""),
        ("unverified", parts.unverified, WARN if parts.unverified else ""),
        ("shadow error", parts.shadow_error, BAD if parts.shadow_error else ""),
        ("dead", parts.dead, WARN if parts.dead else ""),
        ("dropped", parts.dropped, WARN if parts.dropped else ""),
        ("on their way", parts.on_its_way, ""),
    )
    head = ("Ledger      ", STRONG)
    first = f"{format_count(parts.sampled)} sampled ="
    lines: list[list[Span]] = [[head, (first, "")]]
    used = measure_width(head[0] + first)
    for number, (name, many, style) in enumerate(outcomes):
        text = f"{' + ' if number else ' '}{name} {format_count(many)}"
        if used + measure_width(text) > columns:
            lines.append([(" " * len(head[0]), "")])
            text, used = text.lstrip(), len(head[0])
        lines[-1].append((text, style))
        used += measure_width(text)
    return [*(tuple(line) for line in lines), _backlog(look)]


def _backlog(look: WatchData) -> Line:
    waits = look.backlog
    if waits is None:
        return (("Backlog     ", STRONG), ("unknown: Redis does not answer", WARN))
    if not (waits.waiting or waits.in_flight or waits.to_compare):
        told = "nothing waits"
    else:
        told = (
            f"{format_count(waits.waiting)} waiting, {format_count(waits.in_flight)} in flight, "
            f"{format_count(waits.to_compare)} to compare, oldest {format_seconds(waits.oldest_s)}"
        )
    told += f"; {format_decimal(waits.compared_per_s)} compared/s"
    idle = not waits.workers and (waits.waiting or waits.in_flight)
    return (("Backlog     ", STRONG), (told, ""), ("; no worker is running", WARN) if idle else ("", ""))


def _guards(summary: Mapping[str, Any], columns: int) -> list[Line]:
    """Lay out the guards: failures, rate, confidence sequence, budget, and a bar of its evidence towards the bar."""
    bar = 1 / float(summary["policy"]["alpha"])
    certain = format_percent(100 * (1 - float(summary["policy"]["alpha"])))
    cells = [_guard(guard) for guard in cast(Sequence[Mapping[str, Any]], summary["guards"])]
    head = ("Guard", "failed", "rate", f"{certain} between", "budget")
    widths = [max(measure_width(row[at]) for row in [head, *cells]) for at in range(len(head))]
    gauge = max(8, columns - sum(widths) - 2 * len(widths) - 11)
    title = _row(head, widths) + "  " + f"evidence, of {format_decimal(bar)} : 1"
    lines: list[Line] = [_plain(_cut(title, columns), STRONG)]
    logs = [float(guard["log_e"]) for guard in summary["guards"]]
    for row, log_e in zip(cells, logs, strict=True):
        lines.append(((_row(row, widths) + "  ", ""), *_gauge(log_e, math.log(bar), gauge)))
    total = _row(("all, weighted", "", "", "", ""), [sum(widths) + 2 * (len(widths) - 1), 0, 0, 0, 0]).rstrip()
    total += " " * (sum(widths) + 2 * len(widths) - measure_width(total))
    return [*lines, ((total, STRONG), *_gauge(float(summary["log_e"]), math.log(bar), gauge))]


def _guard(guard: Mapping[str, Any]) -> tuple[str, ...]:
    name = _NAMES.get(str(guard["guard"]), str(guard["guard"]))
    if "failed" not in guard:
        tried = f"{format_signed(guard['slower'] - guard['faster'])}" if guard["n"] else "–"
        past = guard.get("threshold_ms")
        return (
            name,
            tried,
            f"of {format_count(guard['n'])}",
            f"past {format_latency_ms(past)} ms" if past else "no threshold yet",
            "",
        )
    rate = guard["failed"] / guard["n"] if guard["n"] else 0.0
    between = f"{format_decimal(100 * guard['low'], 2)} – {format_share(guard['high'])}"
    return (
        name,
        format_count(guard["failed"]),
        format_share(rate) if guard["n"] else "–",
        between,
        format_share(guard["budget"]),
    )


def _gauge(log_e: float, log_bar: float, columns: int) -> tuple[Span, ...]:
    """Draw evidence on a logarithmic scale from 1 : 1 to the bar, and write it beside."""
    part = max(0.0, min(1.0, log_e / log_bar)) * columns
    full, eighth = int(part), int(8 * (part - int(part)))
    drawn = "█" * full + (_EIGHTHS[eighth] if eighth else "")
    style = BAD if log_e >= log_bar else WARN if log_e >= log_bar / 2 else GOOD
    told = (
        format_odds(log_e).removeprefix("over ").replace("1,000,000 : 1", "> 10⁶ : 1") if log_e > math.log(1e6) else ""
    )
    told = told or format_odds(log_e)
    return ((drawn, style), ("·" * (columns - len(drawn)), QUIET), (f" {told:>10}", ""))


def _remarks(look: WatchData, columns: int, at_most: int) -> list[Line]:
    """Say which guard leads, and what else a reader should know."""
    summary, told = look.judged.summary, list[Line]()
    leading = cast(Mapping[str, Any], summary["leading"])
    if float(leading["log_e"]) > 0 and look.judged.answer is not VerdictAnswer.ROLL_BACK:
        what = make_printable(str(leading["what"]), 200)
        told.append((("Leading     ", STRONG), (_cut(f"{what}, {format_odds(leading['log_e'])}", columns - 12), "")))
    for line in [*list_remarks(look.judged), *list_routes(look.judged)]:
        if line.startswith(" ") and told:  # an item of the list before it
            listed = strip_styles(told[-1])
            told[-1] = _plain(_cut(f"{listed}{' ' if listed.endswith(':') else '; '}{line.strip()}", columns))
        else:
            told.append(_plain(_cut(line, columns)))
    return told[:at_most]


def _latency(look: WatchData, columns: int, rows: int) -> list[Line]:
    """Lay out both sides' quantiles, all endpoints together first, then those with the most slow requests."""
    everything, endpoints = look.latency[-1], look.latency[:-1]
    shown = [everything, *endpoints[: max(0, rows - 3)]]
    over = f"> {format_decimal(look.judged.state.spec.max_latency_diff_ms)} ms"
    cells = [_quantiles(row) for row in shown]
    widths = [max(5, *(measure_width(row[at]) for row in cells)) for at in range(len(cells[0]))]
    widths[-1] = max(measure_width(over), widths[-1])
    groups = (widths[0:3], widths[3:6], widths[6:8])
    taken = sum(sum(group) + len(group) - 1 for group in groups) + 3 * 2 + 2 + widths[-1]
    room = max(12, columns - taken)
    titles = [
        f"{title:>{sum(group) + len(group) - 1}}"
        for title, group in zip(("primary", "shadow", "paired"), groups, strict=True)
    ]
    named = f"{'Latency, ms':<{room}}"
    lines = [
        _plain(f"{named}  {'  '.join(titles)}  {over:>{widths[-1]}}", STRONG),
        _plain(
            f"{'':<{room}}  {_figures(('p50', 'p95', 'p99', 'p50', 'p95', 'p99', 'p50', 'p95', ''), widths)}", QUIET
        ),
    ]
    for row, figures in zip(shown, cells, strict=True):
        name = _cut(make_printable(row.endpoint, 60), room)
        lines.append(_plain(f"{name}{' ' * (room - measure_width(name))}  {_figures(figures, widths)}"))
    if (left_out := len(endpoints) + 1 - len(shown)) > 0:
        lines[-1:] = (
            [_plain(f"and {format_plural(left_out + 1, 'more endpoint')}", QUIET)] if len(shown) > 1 else lines[-1:]
        )
    return lines


def _quantiles(row: LatencyRow) -> tuple[str, ...]:
    sides = [format_latency_ms(value) for of in (row.primary, row.shadow) for value in (of.p50, of.p95, of.p99)]
    paired = [format_signed(value, 1 if abs(value) < 10 else 0) for value in (row.difference.p50, row.difference.p95)]
    return (*sides, *paired, format_share(row.slow_share) if row.slow_share else "0 %")


def _figures(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [" " * (room - measure_width(cell)) + cell for cell, room in zip(cells, widths, strict=True)]
    return f"{' '.join(padded[0:3])}  {' '.join(padded[3:6])}  {' '.join(padded[6:8])}  {padded[8]}"


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell + " " * (room - measure_width(cell)) if not number else " " * (room - measure_width(cell)) + cell
        for number, (cell, room) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded)


def _clip(line: Line, columns: int) -> Line:
    kept: list[Span] = []
    for text, style in line:
        room = columns - sum(measure_width(shown) for shown, _ in kept)
        kept.append((text if measure_width(text) <= room else split_at(text, room)[0], style))
    return tuple(kept)


def _plain(text: str, style: str = "") -> Line:
    return ((text, style),)


def _cut(text: str, columns: int) -> str:
    return text if measure_width(text) <= columns else f"{split_at(text, columns - 1)[0]}…"


def _fold(text: str, columns: int) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if measure_width(joined) <= columns:
            lines[-1] = joined
        else:
            lines.append(_cut(word, columns))
    return lines
