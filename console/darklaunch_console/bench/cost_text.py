"""What the hook costs, as text."""

from __future__ import annotations

from darklaunch_console.output.numbers import format_count, format_decimal, format_signed
from darklaunch_console.output.screen import GOOD, StyledLine
from darklaunch_console.output.table import render_table
from darklaunch_console.output.text import format_plural

from .rounds import BARE, IDLE, SAMPLED, ContenderFigures, HookCost


def render_cost(cost: HookCost, *, rounds: int, requests: int) -> list[StyledLine]:
    """Return as lines what the hook adds to a request, then the figures of each contender."""
    bare = cost.figures[0]
    sampled, idle = _format_us(cost.added_us[SAMPLED]), _format_us(cost.added_us[IDLE])
    table = render_table(
        ["µs per request", "p50", "added", "p99", "CPU", "added"],
        [_render_row(figures, cost) for figures in cost.figures],
    )
    measured = f"{format_plural(rounds, 'round')} of {format_count(requests)} requests each"
    response = f"{cost.interface.upper()}, HTTP {cost.status}, {format_count(cost.body_bytes)} bytes"
    return [
        (f"The hook adds {sampled} to a request that is sampled and {idle} to one that is not.", GOOD),
        (f"Without it your app takes {_format_us(bare.p50_us)}.", ""),
        *((line, "") for line in table),
        ("CPU is that of the whole process, with the hook's background thread.", ""),
        (f"{measured}; {response}.", ""),
    ]


def _render_row(figures: ContenderFigures, cost: HookCost) -> list[str]:
    is_bare = figures.name == BARE
    return [
        figures.name,
        format_decimal(figures.p50_us),
        "" if is_bare else format_signed(cost.added_us[figures.name], 1),
        format_decimal(figures.p99_us),
        format_decimal(figures.cpu_us),
        "" if is_bare else format_signed(cost.added_cpu_us[figures.name], 1),
    ]


def _format_us(number: float) -> str:
    return f"{format_decimal(max(number, 0.0), 1 if number < 100 else 0)} µs"
