"""What request threads leave for the background thread. Nothing here waits: every step is one atomic operation.

Counting is left to the background thread, so counts are exact without a lock: request threads only append. The one
number that both sides change is `used_bytes`. CPython switches threads at calls and backward jumps, never within
`self.used_bytes += n`; without a GIL the number may drift by some entries, which only shifts where the bound lies.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .recording import FinishedRecording

MAX_NOTES: Final = 100_000

Note = tuple[tuple[str, ...], bool, str]
"""(launches, sampled, reason): a request that was sampled and lost (True), or skipped (False)."""


class RecordingBuffer:
    """Finished recordings and notes about others, bounded in bytes and number.

    `used_bytes` covers what is being recorded, what waits here, and what waits for Redis. `waiting` is how many
    recordings wait for Redis; only the background thread writes it.
    """

    __slots__ = ("_max_bytes", "_max_entries", "_notes", "_recordings", "used_bytes", "waiting")

    def __init__(self, max_bytes: int, max_entries: int) -> None:
        self._max_bytes, self._max_entries = max_bytes, max_entries
        self._recordings: deque[FinishedRecording] = deque()
        self._notes: deque[Note] = deque()
        self.used_bytes = 0
        self.waiting = 0

    def __len__(self) -> int:
        """How many recordings are handed over and not taken out yet."""
        return len(self._recordings)

    def reserve(self, size: int) -> bool:
        """Set bytes aside for a recording. False: there is no room; nothing was set aside."""
        if self.used_bytes + size > self._max_bytes:
            return False
        self.used_bytes += size
        return True

    def release(self, size: int) -> None:
        """Give bytes back."""
        self.used_bytes -= size

    def put(self, recording: FinishedRecording) -> bool:
        """Hand a finished recording over. False: there are too many already."""
        if len(self._recordings) + self.waiting >= self._max_entries:
            return False
        self._recordings.append(recording)
        return True

    def note(self, launches: tuple[str, ...], reason: str, *, sampled: bool = False) -> None:
        """Tell what became of a request that is not handed over."""
        if len(self._notes) < MAX_NOTES:
            self._notes.append((launches, sampled, reason))

    def take(self, most: int) -> list[FinishedRecording]:
        """Take the oldest recordings out."""
        return [self._recordings.popleft() for _ in range(min(most, len(self._recordings)))]

    def take_notes(self) -> list[Note]:
        """Take all notes out."""
        return [self._notes.popleft() for _ in range(len(self._notes))]
