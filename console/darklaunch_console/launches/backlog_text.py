"""The backlog in words and tables of at most the terminal's width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from darklaunch_shared.launch.spec import LaunchStatus

from darklaunch_console.output.numbers import format_count, format_decimal, format_seconds
from darklaunch_console.output.screen import make_printable, terminal_width, wrap_text
from darklaunch_console.output.table import measure_width, render_table
from darklaunch_console.output.text import format_plural
from darklaunch_console.stores.consumers import StreamConsumer

from .backlog import LaunchBacklog

HEAD: Final = ("launch", "waiting", "in flight", "to compare", "dead", "oldest", "replays/s", "results/s")
GAP: Final = "  "
NAME_LIMIT: Final = 36


def summarize_backlogs(backlogs: Sequence[LaunchBacklog]) -> str:
    """Return in a sentence how much is in progress; `backlogs` begin with the one that is furthest behind."""
    waiting = sum(backlog.waiting for backlog in backlogs)
    in_flight = sum(backlog.in_flight for backlog in backlogs)
    to_compare = sum(backlog.to_compare for backlog in backlogs)
    if not waiting + in_flight + to_compare:
        return "Nothing is in progress."
    launch = f", of {backlogs[0].launch}" if len(backlogs) > 1 else ""
    return (
        f"{format_plural(waiting, 'exchange waits', 'exchanges wait')} for a worker, {format_count(in_flight)} in "
        f"flight, {format_count(to_compare)} to compare; the oldest {format_seconds(backlogs[0].oldest_s)}{launch}."
    )


def render_backlogs(backlogs: Sequence[LaunchBacklog]) -> list[str]:
    """Return a table of launches; where their names make it too wide, each name stands on a line of its own."""
    rows = [_render_row(backlog) for backlog in backlogs]
    lines = render_table(HEAD, rows, gap=GAP)
    if max(map(measure_width, lines)) <= terminal_width():
        return lines
    head, *figures = render_table(HEAD[1:], [row[1:] for row in rows], left=(), gap=GAP)
    lines = [f"  {head}"]
    for row, row_figures in zip(rows, figures, strict=True):
        lines += [row[0], f"  {row_figures}"]
    return lines


def render_consumers(consumers: Sequence[StreamConsumer]) -> list[str]:
    """Return a table of what each worker and comparator has in flight, of all these launches together."""
    by_process: dict[tuple[str, str], list[StreamConsumer]] = {}
    for consumer in consumers:
        by_process.setdefault((consumer.kind, consumer.name), []).append(consumer)
    if not by_process:
        return []
    workers_first = sorted(by_process, key=lambda process: (process[0] != "worker", process[1]))
    rows = [_render_process(kind, name, by_process[kind, name]) for kind, name in workers_first]
    return ["", *render_table(("process", "", "in flight", "idle", ""), rows, left=(0, 1, 4), gap=GAP)]


def list_warnings(
    backlogs: Sequence[LaunchBacklog], consumers: Sequence[StreamConsumer], *, workers: bool, comparators: bool
) -> list[str]:
    """Return what is wrong, and what to do; `workers` and `comparators` are True if any is alive."""
    active = [backlog for backlog in backlogs if backlog.status == LaunchStatus.ACTIVE]
    warnings: list[str] = []
    if any(backlog.waiting + backlog.in_flight for backlog in active) and not workers:
        warnings.append("no worker is running: start one with `darklaunch worker`.")
    if any(backlog.to_compare for backlog in backlogs) and not comparators:
        warnings.append("no comparator is running: start one with `darklaunch comparator`.")
    warnings += [
        f"the shadow of {name} does not answer: it is asked once a second until it does. See `darklaunch doctor`."
        for name in sorted({consumer.launch for consumer in consumers if consumer.breaker == "open"})
    ]
    for name in sorted({consumer.launch for consumer in consumers if consumer.failing}):
        endpoints = {endpoint for consumer in consumers if consumer.launch == name for endpoint in consumer.failing}
        failing = sorted(make_printable(endpoint) for endpoint in endpoints)
        warnings.append(
            f"{format_plural(len(failing), 'endpoint')} of {name} got no response from the shadow, again and again: "
            f"{', '.join(failing[:3])}{' …' if len(failing) > 3 else ''}. Each is asked once a second; the rest of "
            "its exchanges is dropped (endpoint_failing)."
        )
    return warnings


def list_remarks(backlogs: Sequence[LaunchBacklog], consumers: Sequence[StreamConsumer]) -> list[str]:
    """Return, as lines, what becomes of the entries of processes that are gone, and where to look at dead letters."""
    remarks: list[str] = []
    if any(not consumer.alive for consumer in consumers):
        remarks.append("What a gone process had in flight, others take over when its lease ends.")
    if dead := sum(backlog.dead for backlog in backlogs):
        name = next(backlog.launch for backlog in backlogs if backlog.dead)
        remarks.append(f"{format_plural(dead, 'dead letter')}: look with `darklaunch dead list {name}`.")
    return [line for remark in remarks for line in wrap_text(remark)]


def _render_row(backlog: LaunchBacklog) -> tuple[str, ...]:
    status = "" if backlog.status == LaunchStatus.ACTIVE else f" ({backlog.status.replace('_', ' ')})"
    in_progress = backlog.waiting + backlog.in_flight + backlog.to_compare
    return (
        f"{backlog.launch}{status}",
        format_count(backlog.waiting),
        format_count(backlog.in_flight),
        format_count(backlog.to_compare),
        format_count(backlog.dead),
        format_seconds(backlog.oldest_s) if in_progress else "–",
        format_decimal(backlog.replayed_per_s),
        format_decimal(backlog.compared_per_s),
    )


def _render_process(kind: str, name: str, consumers: Sequence[StreamConsumer]) -> tuple[str, ...]:
    idle_s = [consumer.idle_s for consumer in consumers if consumer.idle_s is not None]
    return (
        _shorten_name(make_printable(consumers[0].label or name)),
        kind,
        format_count(sum(consumer.in_flight for consumer in consumers)),
        format_seconds(min(idle_s)) if idle_s else "–",
        "" if consumers[0].alive else "gone",
    )


def _shorten_name(name: str) -> str:
    """Cut a name at its beginning, which is the host's: processes of one host differ at the end."""
    return name if measure_width(name) <= NAME_LIMIT else f"…{name[1 - NAME_LIMIT :]}"
