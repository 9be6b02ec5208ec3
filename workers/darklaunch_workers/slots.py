"""The slots of one launch in one process: how many of its exchanges are in hand and how many replays under way."""

from collections.abc import Callable
from types import TracebackType

import anyio


class ReplaySlots:
    """Lets in as many at a time as the limit says now; the limit may move while slots are taken.

    `claimed` counts exchanges in hand whose replay has not ended, with or without a slot; `busy` those with one.
    """

    def __init__(self, limit: Callable[[], int]) -> None:
        self.claimed = 0
        self.busy = 0
        self._limit = limit
        self._change: anyio.Event | None = None

    @property
    def free(self) -> int:
        """How many more exchanges find a slot at once."""
        return self._limit() - self.claimed

    @property
    def full(self) -> bool:
        """Whether somebody who came now would have to wait."""
        return self.busy >= self._limit()

    async def wait_for_room(self) -> None:
        """Wait until a slot can be taken at once."""
        while self.full:
            await self._next_change().wait()

    def __enter__(self) -> None:
        """Take a slot, whether or not there is room."""
        self.busy += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the slot back."""
        self.busy -= 1
        self.changed()

    def changed(self) -> None:
        """Wake everybody who waits for a change."""
        if self._change is not None:
            self._change.set()
            self._change = None

    async def wait_for_change(self, timeout_s: float) -> None:
        """Wait until something changes, or for `timeout_s`."""
        with anyio.move_on_after(timeout_s):
            await self._next_change().wait()

    def _next_change(self) -> anyio.Event:
        if self._change is None:
            self._change = anyio.Event()
        return self._change
