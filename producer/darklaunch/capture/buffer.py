"""What request threads hand to the delivery thread. Nothing here waits: every step is one atomic operation.

Request threads only append, and the delivery thread alone counts, so counts are exact without a lock. The one number
that both sides change is `used_bytes`. CPython switches threads at calls and backward jumps, never within
`self.used_bytes += n`; without a GIL the number may drift by some entries, which only moves the limit a little.
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
    """Finished recordings, bounded in bytes and number, and notes about requests that are not handed over.

    `used_bytes` covers what is being recorded, what waits here, and what waits for Redis. `waiting` is how many
    recordings were taken out and wait for Redis; only the delivery thread writes it.
    """

    __slots__ = ("_max_bytes", "_max_entries", "_notes", "_recordings", "used_bytes", "waiting")

    def __init__(self, max_bytes: int, max_entries: int) -> None:
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._recordings: deque[FinishedRecording] = deque()
        self._notes: deque[Note] = deque()
        self.used_bytes = 0
        self.waiting = 0

    def __len__(self) -> int:
        """Return how many recordings wait here to be taken out."""
        return len(self._recordings)

    def reserve_bytes(self, size: int) -> bool:
        """Set bytes aside for a recording. False: there is no room, and nothing was set aside."""
        if self.used_bytes + size > self._max_bytes:
            return False
        self.used_bytes += size
        return True

    def release_bytes(self, size: int) -> None:
        """Free bytes that were set aside."""
        self.used_bytes -= size

    def add_recording(self, recording: FinishedRecording) -> bool:
        """Hand a finished recording over. False: too many wait already, and it was not taken."""
        if len(self._recordings) + self.waiting >= self._max_entries:
            return False
        self._recordings.append(recording)
        return True

    def add_note(self, launches: tuple[str, ...], reason: str, *, sampled: bool = False) -> None:
        """Record why a request is not handed over: it was sampled and lost, or (the default) skipped."""
        if len(self._notes) < MAX_NOTES:
            self._notes.append((launches, sampled, reason))

    def take_recordings(self, limit: int) -> list[FinishedRecording]:
        """Remove the oldest recordings, `limit` at most, and return them."""
        return [self._recordings.popleft() for _ in range(min(limit, len(self._recordings)))]

    def take_notes(self) -> list[Note]:
        """Remove all notes and return them."""
        return [self._notes.popleft() for _ in range(len(self._notes))]
