"""What is printed: a measured figure, the bound it must keep, and whether it does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .engine import NEVER, Ints

Flags = NDArray[np.bool_]

FULL_SIZE = 1000
"""From this many launches on, a quantile is held to its bound as it is; with fewer, the share beyond it is tested."""


@dataclass(frozen=True)
class Row:
    """One figure. `holds` is None where nothing is asked of it."""

    what: str
    found: str
    bound: str = ""
    holds: bool | None = None


@dataclass(frozen=True)
class Group:
    """One question, with our figures and those of what is done instead."""

    title: str
    rows: Sequence[Row]


def sampling_error(share: float, size: int) -> float:
    """Return three standard errors of a share measured on `size` launches."""
    return 3 * math.sqrt(share * (1 - share) / size)


def at_most(what: str, flags: Flags, share: float) -> Row:
    """Require that at most `share` of the launches are flagged, plus sampling error."""
    limit = share + sampling_error(share, len(flags))
    return Row(what, percent(flags.mean()), f"≤ {percent(limit)}", bool(flags.mean() <= limit))


def more_than(what: str, flags: Flags, share: float) -> Row:
    """Require that more than `share` are flagged: this shows that the same run can fail."""
    return Row(what, percent(flags.mean()), f"> {percent(share)}", bool(flags.mean() > share))


def shown(what: str, flags: Flags) -> Row:
    """Report the share that is flagged."""
    return Row(what, percent(flags.mean()))


def soon(what: str, delays: Ints, bounds: dict[float, int]) -> Row:
    """Require that each quantile of the delays, in exchanges, is at most its bound."""
    return Row(
        what,
        "  ".join(f"{_name(q)} {_count(_quantile(delays, q))}" for q in bounds),
        "≤ " + " / ".join(f"{bound:,}" for bound in bounds.values()),
        all(_within(delays, q, bound) for q, bound in bounds.items()),
    )


def late(what: str, delays: Ints, q: float, bound: int) -> Row:
    """Require that the q-quantile of the delays exceeds `bound`: this shows that the task is hard."""
    found = _quantile(delays, q)
    return Row(what, f"{_name(q)} {_count(found)}", f"> {bound:,}", bool(found > bound))


def delays_shown(what: str, delays: Ints) -> Row:
    """Report how many launches were noticed at all, and when."""
    return Row(what, f"{percent((delays < NEVER).mean())}, p50 {_count(_quantile(delays, 0.5))}")


def percent(share: float) -> str:
    """Write a share for people."""
    return f"{100 * share:.1f} %"


def table(groups: Sequence[Group]) -> str:
    """Lay it out in 80 columns."""
    lines: list[str] = []
    for group in groups:
        lines += ["", group.title]
        for row in group.rows:
            mark = {True: "ok", False: "BROKEN", None: ""}[row.holds]
            lines.append(f"  {row.what:<34} {row.found:<20} {row.bound:<15} {mark}".rstrip())
    return "\n".join(lines[1:])


def _quantile(delays: Ints, q: float) -> int:
    return int(np.sort(delays)[math.ceil(q * len(delays)) - 1])


def _within(delays: Ints, q: float, bound: int) -> bool:
    if len(delays) >= FULL_SIZE:
        return _quantile(delays, q) <= bound
    return bool((delays > bound).mean() <= 1 - q + sampling_error(q, len(delays)))


def _name(q: float) -> str:
    return f"p{100 * q:g}"


def _count(delay: int) -> str:
    return "never" if delay == NEVER else f"{delay:,}"
