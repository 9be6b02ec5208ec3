"""Arguments that several commands share: durations, percentages, names of launches and exchanges, --reason."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.spec import check_name, check_percent

from darklaunch_console.errors import BadUsage
from darklaunch_console.output.screen import json_option

DurationCallback = Callable[[click.Context, click.Parameter, str], float]
F = TypeVar("F", bound=Callable[..., Any])

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)")
_UNIT_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


def parse_duration(text: str) -> float:
    """Parse `2000ms`, `2s`, `5m` or `1h` and return seconds. Raises ValueError, also when the unit is missing."""
    match = _DURATION.fullmatch(text.strip().lower())
    if not match:
        problem = "has no unit" if re.fullmatch(r"[\d.]+", text.strip()) else "is not a duration"
        raise ValueError(f"{text!r} {problem}: write 2000ms, 2s, 5m or 1h")
    return float(match[1]) * _UNIT_S[match[2]]


def parse_percent(text: str) -> float:
    """Parse `10`, `0.5` or `10%`. Raises ValueError for what is not a number, BadLaunch outside 0 to 100."""
    try:
        number = float(text.strip().removesuffix("%").rstrip().replace("_", "?"))  # float() would accept 1_0
    except ValueError:
        raise ValueError(f"{text!r} is not a percentage: write a number from 0 to 100, like 10 or 0.5") from None
    if math.isnan(number):
        raise ValueError("the percentage must be between 0 and 100, got nan")
    return check_percent(number)


def make_duration_callback(at_least_s: float = 0.0, at_most_s: float = math.inf) -> DurationCallback:
    """Return a click callback that reads a duration with its unit, within limits, as seconds."""

    def read_duration(ctx: click.Context, param: click.Parameter, value: str) -> float:
        try:
            duration_s = parse_duration(value)
        except ValueError as invalid:
            raise click.BadParameter(str(invalid), ctx, param) from None
        if not at_least_s <= duration_s <= at_most_s:
            limits = f"{_format_duration(at_least_s)} and {_format_duration(at_most_s)}"
            raise click.BadParameter(f"{value} is not between {limits}", ctx, param)
        return duration_s

    return read_duration


def read_percentage(ctx: click.Context, param: click.Parameter, value: str) -> float:
    """Read a percentage as a click callback."""
    try:
        return parse_percent(value)
    except BadLaunch as refused:
        raise click.UsageError(str(refused), ctx) from None
    except ValueError as invalid:
        raise click.BadParameter(str(invalid), ctx, param) from None


def read_optional_percentage(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read a percentage that may be left out, as a click callback."""
    return None if value is None else read_percentage(ctx, param, value)


def check_launch_name(ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Check, as a click callback, that a launch could have this name."""
    try:
        return check_name(value)
    except BadLaunch as refused:
        raise click.UsageError(str(refused), ctx) from None


def check_exchange_id(_context: click.Context, _param: click.Parameter, value: str) -> str:
    """Check, as a click callback, that this could be the id of an exchange, `<producer>:<seq>`. Raises BadUsage."""
    producer, colon, seq = value.partition(":")
    if not (producer.isalnum() and colon and seq.isdigit()):
        raise BadUsage(f"{value!r} is not the id of an exchange: it looks like 7f3a90bc:118; see darklaunch mismatches")
    return value


def launch_argument(function: F) -> F:
    """Add the argument NAME to a command: the launch."""
    return click.argument("name", callback=check_launch_name)(function)


def reason_option(function: F) -> F:
    """Add the option --reason to a command that changes a launch."""
    return click.option("--reason", default="", metavar="TEXT", help="Why; shown in the launch's history.")(function)


def change_arguments(function: F) -> F:
    """Add NAME, --reason and --json to a command that changes a launch."""
    return launch_argument(reason_option(json_option(function)))


def _format_duration(duration_s: float) -> str:
    if duration_s == 0 or duration_s == math.inf:
        return "0" if duration_s == 0 else "any"
    return f"{duration_s * 1000:g}ms" if duration_s < 1 else f"{duration_s:g}s"
