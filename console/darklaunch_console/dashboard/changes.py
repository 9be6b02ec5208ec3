"""Notify open pages of changes in what they show: one reader of Postgres, however many pages are open."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from darklaunch_console.errors import ConsoleError

POLL_S: Final = 1.0
KEEP_ALIVE_S: Final = 15.0

ALL_LAUNCHES: Final = ""
CHANGED: Final = b"event: changed\ndata: \n\n"
"""A server-sent event (WHATWG HTML, 9.2): it names no figures, the page reads itself again."""
KEEP_ALIVE: Final = b": still here\n\n"
UNREACHABLE: Final = "unreachable"


class ChangeFeed:
    """One reader of all launches' marks, once a second while any page is open; pages whose mark changed get an event.

    `read_marks` returns launch → mark; it runs in a thread and may raise ConsoleError while Postgres is away.
    """

    def __init__(self, read_marks: Callable[[], Mapping[str, str]]) -> None:
        self._read_marks = read_marks
        self._marks: Mapping[str, str] = {}
        self._changed = asyncio.Condition()
        self._followers = 0
        self._poller: asyncio.Task[None] | None = None

    async def follow(self, launch: str) -> AsyncIterator[bytes]:
        """Yield an event each time the launch has changed, any launch for ALL_LAUNCHES, and comments in between."""
        self._followers += 1
        try:
            if self._poller is None:
                self._marks = await asyncio.to_thread(self._read_or_fail)
                self._poller = asyncio.create_task(self._poll())
            seen = self._get_mark(launch)
            yield KEEP_ALIVE
            while True:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        await self._wait_for_change(launch, seen)
                except TimeoutError:
                    yield KEEP_ALIVE
                else:
                    seen = self._get_mark(launch)
                    yield CHANGED
        finally:
            self._followers -= 1
            if not self._followers and self._poller is not None:
                self._poller.cancel()
                self._poller = None

    async def _wait_for_change(self, launch: str, seen: object) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._get_mark(launch) != seen)

    async def _poll(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(POLL_S)
                marks = await asyncio.to_thread(self._read_or_fail)
                async with self._changed:
                    self._marks = marks
                    self._changed.notify_all()

    def _read_or_fail(self) -> Mapping[str, str]:
        try:
            return self._read_marks()
        except ConsoleError:
            return {UNREACHABLE: UNREACHABLE}

    def _get_mark(self, launch: str) -> object:
        if launch == ALL_LAUNCHES or UNREACHABLE in self._marks:
            return dict(self._marks)
        return self._marks.get(launch)
