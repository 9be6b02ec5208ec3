"""The slots of the replays that one process has under way for one launch."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import islice, takewhile
from types import TracebackType
from typing import Final, Self

import anyio

SLOW_SHARE: Final = 4
"""One in how many of all slots may be held by slow replays without counting against the limit."""
SLOW_CHECK_S: Final = 0.1


class ReplaySlots:
    """How many exchanges of one launch this process works on, against a limit that may move meanwhile.

    `claimed` counts exchanges whose replay has not ended, with or without a slot. Two kinds do not count against the
    limit, so that no slow response holds up the rest: replays that wait for the time their Retry-After named, and
    replays that take far longer than usual, of these at most a quarter of `ceiling`. All that are under way stay
    within `ceiling`.
    """

    def __init__(
        self,
        limit: Callable[[], int],
        *,
        ceiling: int,
        slow_after_s: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.claimed = 0
        self._limit = limit
        self._ceiling = ceiling
        self._slow_after_s = slow_after_s
        self._clock = clock
        self._started: dict[ReplaySlot, float] = {}  # replays under way, the oldest first
        self._paused = 0
        self._change: anyio.Event | None = None

    @property
    def busy(self) -> int:
        """How many replays are under way."""
        return len(self._started)

    @property
    def free(self) -> int:
        """How many more exchanges would get a slot at once."""
        at_work = self.claimed - self._paused
        room = self._limit() - at_work
        return room if room > 0 else min(room + self._count_slow(), self._ceiling - at_work)

    @property
    def full(self) -> bool:
        """True if another replay would have to wait for a slot."""
        busy, limit = self.busy, self._limit()
        return busy >= limit and (busy >= self._ceiling or busy - self._count_slow() >= limit)

    async def wait_for_room(self) -> None:
        """Wait until a slot can be taken at once."""
        while self.full:
            await self.wait_for_change(SLOW_CHECK_S)  # nothing notifies when a replay becomes slow

    def take(self) -> ReplaySlot:
        """Return a slot to be held by `with`, whether or not there is room."""
        return ReplaySlot(self)

    def begin(self, slot: ReplaySlot) -> None:
        """Count a replay as under way from now on."""
        self._started[slot] = self._clock()

    def end(self, slot: ReplaySlot) -> None:
        """Stop counting a replay, and wake what waits for room."""
        del self._started[slot]
        self.wake_waiting()

    @contextmanager
    def pausing(self, slot: ReplaySlot) -> Generator[None]:
        """Lend the slot to others until the block ends."""
        self.end(slot)
        self._paused += 1
        try:
            yield
        finally:
            self._paused -= 1
            self.begin(slot)

    def wake_waiting(self) -> None:
        """Wake everything that waits for a change."""
        if self._change is not None:
            self._change.set()
            self._change = None

    async def wait_for_change(self, timeout_s: float) -> None:
        """Wait until something changes, or for `timeout_s`."""
        if self._change is None:
            self._change = anyio.Event()
        with anyio.move_on_after(timeout_s):
            await self._change.wait()

    def _count_slow(self) -> int:
        """Return how many of the replays under way take far longer than usual."""
        most = max(1, self._ceiling // SLOW_SHARE)
        since_s = self._clock() - self._slow_after_s()
        oldest = islice(self._started.values(), most)
        return sum(1 for _ in takewhile(lambda started_s: started_s <= since_s, oldest))


class ReplaySlot:
    """One replay's place among those under way."""

    __slots__ = ("_slots",)

    def __init__(self, slots: ReplaySlots) -> None:
        self._slots = slots

    def __enter__(self) -> Self:
        """Take the slot."""
        self._slots.begin(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free the slot."""
        self._slots.end(self)

    async def pause(self, delay_s: float, *, within_s: float) -> None:
        """Lend the slot to others for `delay_s`, then wait for room again, `within_s` of now at the latest."""
        with self._slots.pausing(self):
            with anyio.move_on_after(within_s):
                await anyio.sleep(delay_s)
                await self._slots.wait_for_room()
