"""Many deadlines on one timer of the event loop, where asyncio.timeout starts and stops a timer for each.

Deadlines of replays are seconds away and much alike, and nearly none is missed: the timer fires once in a while,
expires what is late, and is set again for the next one.
"""

import asyncio
from types import TracebackType


class DeadlineTimer:
    """Deadlines of tasks of one event loop."""

    def __init__(self) -> None:
        self._running: dict[Deadline, float] = {}  # when each ends, by the loop's clock
        self._timer: asyncio.Handle | None = None
        self._fires_at = float("inf")  # kept here: uvloop returns a handle without `when` for a timer due at once

    def within(self, delay_s: float) -> "Deadline":
        """Return a deadline that begins with its block: `with deadlines.within(7): …`."""
        return Deadline(self, delay_s)

    def begin(self, deadline: "Deadline", delay_s: float) -> None:
        """Watch a deadline from now on."""
        loop = asyncio.get_running_loop()
        ends_at = self._running[deadline] = loop.time() + delay_s
        if ends_at < self._fires_at:
            self._set(loop, ends_at)

    def end(self, deadline: "Deadline") -> None:
        """Stop watching a deadline."""
        # the timer stays: cancelling it would cost more than letting it fire for nothing
        del self._running[deadline]

    def _set(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(at, self._expire_late, loop)
        self._fires_at = at

    def _expire_late(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        self._fires_at = float("inf")
        now = loop.time()
        next_end = float("inf")
        for deadline, ends_at in self._running.items():
            if deadline.expired:
                continue
            if ends_at <= now:
                deadline.expire()
            else:
                next_end = min(next_end, ends_at)
        if next_end < float("inf"):
            self._set(loop, next_end)


class Deadline:
    """One deadline, around a block of one task. A late block is cancelled and raises TimeoutError.

    `expired` is True from the moment the deadline passed.
    """

    __slots__ = ("_cancelling", "_delay_s", "_task", "_timer", "expired")

    def __init__(self, timer: DeadlineTimer, delay_s: float) -> None:
        self.expired = False
        self._timer = timer
        self._delay_s = delay_s
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0

    def __enter__(self) -> None:
        """Begin."""
        task = self._task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is for a task")
        self._cancelling = task.cancelling()
        self._timer.begin(self, self._delay_s)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End. Like asyncio.timeout, turn this deadline's own cancellation into TimeoutError, and no other."""
        self._timer.end(self)
        late = self.expired and self._task is not None and self._task.uncancel() <= self._cancelling
        if late and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error

    def expire(self) -> None:
        """Cancel the task's block."""
        self.expired = True
        if self._task is not None:
            self._task.cancel()
