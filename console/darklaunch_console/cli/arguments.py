"""Kinds of arguments: durations with a unit, percentages, launch names."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final

import click
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.spec import check_name, check_percent

Callback = Callable[[click.Context, click.Parameter, str], float]

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)")
_IN_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


def parse_duration(text: str) -> float:
    """Read `2000ms`, `2s`, `5m` or `1h` and return seconds. Raises ValueError, also when there is no unit."""
    match = _DURATION.fullmatch(text.strip().lower())
    if not match:
        what = "has no unit" if re.fullmatch(r"[\d.]+", text.strip()) else "is not a duration"
        raise ValueError(f"{text!r} {what}: write 2000ms, 2s, 5m or 1h")
    return float(match[1]) * _IN_SECONDS[match[2]]


def parse_percent(text: str) -> float:
    """Read `10`, `0.5` or `10%`. Raises ValueError when it is no number, BadLaunch when it is not in 0 to 100."""
    try:
        number = float(text.strip().removesuffix("%").rstrip().replace("_", "?"))
    except ValueError:
        raise ValueError(f"{text!r} is not a percentage: write a number from 0 to 100, like 10 or 0.5") from None
    if math.isnan(number):
        raise ValueError("the percentage must be between 0 and 100, got nan")
    return check_percent(number)


def make_duration_callback(at_least_s: float = 0.0, at_most_s: float = math.inf) -> Callback:
    """Make the callback of an option that takes a duration with its unit and gives seconds."""

    def read(ctx: click.Context, param: click.Parameter, value: str) -> float:
        try:
            duration_s = parse_duration(value)
        except ValueError as broken:
            raise click.BadParameter(str(broken), ctx, param) from None
        if not at_least_s <= duration_s <= at_most_s:
            bounds = f"{_written(at_least_s)} and {_written(at_most_s)}"
            raise click.BadParameter(f"{value} is not between {bounds}", ctx, param)
        return duration_s

    return read


def read_percentage(ctx: click.Context, param: click.Parameter, value: str) -> float:
    """Read a percentage. One out of range is refused in the contract's own words."""
    try:
        return parse_percent(value)
    except BadLaunch as refused:
        raise click.UsageError(str(refused), ctx) from None
    except ValueError as broken:
        raise click.BadParameter(str(broken), ctx, param) from None


def read_optional_percentage(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read a percentage that may be left out."""
    return None if value is None else read_percentage(ctx, param, value)


def check_launch_name(ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Check that a launch could have this name."""
    try:
        return check_name(value)
    except BadLaunch as refused:
        raise click.UsageError(str(refused), ctx) from None


def _written(duration_s: float) -> str:
    if duration_s == 0 or duration_s == math.inf:
        return "0" if duration_s == 0 else "any"
    return f"{duration_s * 1000:g}ms" if duration_s < 1 else f"{duration_s:g}s"
