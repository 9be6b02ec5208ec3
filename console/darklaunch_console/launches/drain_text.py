"""What `drain` says: which processes are missing, and the outcome."""

from __future__ import annotations

from darklaunch_shared.launch.spec import LaunchState

from darklaunch_console.output.numbers import format_percent, format_seconds
from darklaunch_console.output.screen import BAD, GOOD, StyledLine
from darklaunch_console.output.text import format_plural

from .drain import ExchangesInProgress, describe_in_progress


def list_missing_processes(progress: ExchangesInProgress, *, workers: bool, comparators: bool) -> list[str]:
    """Return a warning for each kind of process that is needed; `workers`, `comparators` are True if any is alive."""
    warnings: list[str] = []
    if progress.waiting + progress.replaying and not workers:
        warnings.append("no worker is running: start one with `darklaunch worker`.")
    if progress.total and not comparators:
        warnings.append("no comparator is running: start one with `darklaunch comparator`.")
    return warnings


def render_outcome(
    state: LaunchState, progress: ExchangesInProgress, *, drained: bool, lost: int, took_s: float
) -> list[StyledLine]:
    """Return whether the launch is drained, what is in progress or was lost, and what to type next."""
    if lost:
        return _render_lost(state, lost, took_s)
    if not drained:
        where = describe_in_progress(progress)
        return [
            (f"{state.name} is not drained after {format_seconds(took_s)}: {where}.", BAD),
            ("  Next: darklaunch backlog, darklaunch doctor", ""),
        ]
    if state.fraction:
        took = format_seconds(took_s)
        return [
            (f"Every exchange that {state.name} had sampled has an outcome, after {took}.", GOOD),
            (f"  Sampling goes on at {format_percent(state.percent)}; darklaunch ramp {state.name} 0 ends it.", ""),
        ]
    return [
        (f"{state.name} is drained: nothing is in progress.", GOOD),
        (f"  Next: darklaunch audit {state.name}", ""),
    ]


def _render_lost(state: LaunchState, lost: int, took_s: float) -> list[StyledLine]:
    missing = format_plural(lost, "exchange has", "exchanges have")
    return [
        (f"{state.name} is not drained after {format_seconds(took_s)}: {missing} no outcome.", BAD),
        ("  Nothing is in progress: Redis lost them (restart without its data, FLUSHALL).", ""),
        ("  The leading comparator records them as dropped (lost_in_redis) in minutes.", ""),
        (f"  Next: darklaunch audit {state.name}, then darklaunch drain {state.name} again", ""),
    ]
