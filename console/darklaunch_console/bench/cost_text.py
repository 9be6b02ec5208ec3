"""The options of `bench` as a request, and its figures as text."""

from __future__ import annotations

from darklaunch_console.errors import BadUsage
from darklaunch_console.output.numbers import format_count, format_decimal, format_signed
from darklaunch_console.output.screen import GOOD, print_line, print_lines
from darklaunch_console.output.table import render_table
from darklaunch_console.output.text import format_plural

from .rounds import BARE, IDLE, SAMPLED, ContenderFigures, HookCost


def check_target(text: str) -> str:
    """Return a path and query as given. Raises BadUsage unless it is one."""
    if not text.startswith("/") or any(character <= " " for character in text) or not text.isascii():
        raise BadUsage(f"--url {text!r} is not a path: begin with / and percent-encode what is not ASCII")
    return text


def build_headers(options: tuple[str, ...], data: str) -> list[list[str]]:
    """Return the header fields to send, with those of `NAME: VALUE` options. Raises BadUsage."""
    headers = [["host", "127.0.0.1:8000"], ["accept", "*/*"], ["user-agent", "darklaunch-bench"]]
    if data:
        headers.append(["content-length", str(len(data.encode()))])
    for text in options:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise BadUsage(f"--header {text!r} is no header field: write 'NAME: VALUE'")
        headers.append([name.strip().lower(), value.strip()])
    return headers


def print_cost(cost: HookCost, rounds: int, requests: int) -> None:
    """Print what the hook adds to a request, then the figures of each contender."""
    bare = cost.figures[0]
    sampled, idle = _format_us(cost.added_us[SAMPLED]), _format_us(cost.added_us[IDLE])
    print_line(f"The hook adds {sampled} to a request that is sampled and {idle} to one that is not.", style=GOOD)
    print_line(f"Without it your app takes {_format_us(bare.p50_us)}.")
    rows = [_render_row(figures, cost) for figures in cost.figures]
    print_lines(render_table(["µs per request", "p50", "added", "p99", "CPU", "added"], rows))
    print_line("CPU is that of the whole process, with the hook's background thread.")
    print_line(
        f"{format_plural(rounds, 'round')} of {format_count(requests)} requests each; {cost.interface.upper()}, "
        f"HTTP {cost.status}, {format_count(cost.body_bytes)} bytes."
    )


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
