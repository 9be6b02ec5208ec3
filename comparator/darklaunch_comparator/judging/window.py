"""Exchanges in order of time, cut into windows of ten seconds and those into blocks. A window is judged whole, once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

WINDOW_MS: Final = 10_000
BLOCK: Final = 100
"""Mismatches come in bursts, and a block counts as one observation: at most this many exchanges of one window."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JudgedExchange:
    """One replayed exchange as the judge sees it. Times in ms.

    `compared` is whether the answers were; `timed` whether both latencies were measured the same way, inside the app.
    An exchange that was lost, or that we failed to compare, is none: what goes wrong with us is no evidence. `doubtful`
    is whether its mismatch may yet turn out to be noise.
    """

    at_ms: int
    endpoint: str
    build: str = ""
    compared: bool = True
    mismatched: bool = False
    doubtful: bool = False
    error: bool = False
    slow: bool = False
    timed: bool = False
    primary_ms: float = 0.0
    shadow_ms: float = 0.0


def window_of(at_ms: int) -> int:
    """Give the start of the window that holds a capture time, in ms."""
    return at_ms // WINDOW_MS * WINDOW_MS


def blocks(seen: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut the exchanges of one window into as few blocks of at most 100 as there can be, equal in size within one."""
    count = -(-len(seen) // BLOCK)
    for number in range(count):
        yield seen[len(seen) * number // count : len(seen) * (number + 1) // count]
