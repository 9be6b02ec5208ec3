"""Many deadlines on one timer of the event loop, which asyncio.timeout starts and stops for each.

Replays have deadlines that are long and much alike, and nearly none is missed: the timer fires once in a while, looks
who is late, and is set for whoever comes next.
"""

import asyncio
from types import TracebackType


class DeadlineTimer:
    """Deadlines of tasks of one event loop."""

    def __init__(self) -> None:
        self._running: dict[Deadline, float] = {}  # when each ends, by the loop's clock
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = 0.0  # kept here: for a time that has passed uvloop returns a handle without `when`

    def within(self, delay_s: float) -> "Deadline":
        """Give what cuts the present task short after so many seconds: `with deadlines.within(7): …`."""
        return Deadline(self, delay_s)

    def begin(self, deadline: "Deadline", delay_s: float) -> None:
        """Watch a deadline from now on."""
        loop = asyncio.get_running_loop()
        ends_at = self._running[deadline] = loop.time() + delay_s
        if self._timer is None or ends_at < self._fires_at:
            self._set(loop, ends_at)

    def end(self, deadline: "Deadline") -> None:
        """Watch a deadline no more."""
        del self._running[deadline]

    def _set(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._fires_at = loop.call_at(at, self._look, loop), at

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now, first = loop.time(), float("inf")
        for deadline, ends_at in self._running.items():
            if deadline.expired:
                continue
            if ends_at <= now:
                deadline.expire()
            else:
                first = min(first, ends_at)
        if first < float("inf"):
            self._set(loop, first)


class Deadline:
    """One deadline. Raises TimeoutError in the place of what it cuts short; `expired` says that it did."""

    __slots__ = ("_all", "_cancelling", "_delay_s", "_task", "expired")

    def __init__(self, deadlines: DeadlineTimer, delay_s: float) -> None:
        self.expired = False
        self._all, self._delay_s = deadlines, delay_s
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0

    def __enter__(self) -> None:
        """Begin."""
        task = self._task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is for a task")
        self._cancelling = task.cancelling()
        self._all.begin(self, self._delay_s)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End. As asyncio.timeout, tell our own cancellation from one that came from outside."""
        self._all.end(self)
        late = self.expired and self._task is not None and self._task.uncancel() <= self._cancelling
        if late and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error

    def expire(self) -> None:
        """Cut the task short."""
        self.expired = True
        if self._task is not None:
            self._task.cancel()
