"""What this process knows of promotions. Only a newer state replaces what is known; a failed read changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Final

from darklaunch_shared.launch.spec import LaunchState, LaunchStatus


class KnownPromotions:
    """The launches known in this process, and whether each is promoted.

    `by_launch` is replaced whole, so it is read without a lock. `followed` is True while a thread of this process
    keeps it current.
    """

    def __init__(self) -> None:
        self.by_launch: Mapping[str, bool] = {}
        self.followed = False
        self._read: dict[str, bool] = {}
        self._always_promoted: dict[str, bool] = {}
        self._override: Mapping[str, bool] | None = None
        self._first_read = threading.Event()
        self._lock = threading.Lock()

    def update(self, states: Mapping[str, LaunchState]) -> None:
        """Take over the states that were read. A launch that is not among them stays as it was."""
        with self._lock:
            for name, state in states.items():
                self._read[name] = state.status is LaunchStatus.PROMOTED and not state.hold
            self._rebuild()
        self._first_read.set()

    def always_promote(self, names: Iterable[str]) -> None:
        """Count these launches as promoted, whatever their state."""
        with self._lock:
            self._always_promoted.update(dict.fromkeys(names, True))
            self._rebuild()

    def override(self, promoted: Iterable[str] | None) -> Iterable[str] | None:
        """Count these launches as promoted and no others; None ends that. Returns the previous override."""
        with self._lock:
            previous = self._override
            self._override = None if promoted is None else dict.fromkeys(promoted, True)
            self._rebuild()
        return previous

    def wait_for_first_read(self, limit_s: float) -> bool:
        """Wait until the launches were read for the first time; False when the limit passed before that."""
        return self._first_read.wait(limit_s)

    def reset_after_fork(self) -> None:
        """Start over in a forked child: what is known stays, the parent's thread and locks do not."""
        was_read = self._first_read.is_set()
        self._first_read = threading.Event()
        self._lock = threading.Lock()
        self.followed = False
        if was_read:
            self._first_read.set()

    def _rebuild(self) -> None:
        self.by_launch = self._read | self._always_promoted if self._override is None else self._override


PROMOTIONS: Final = KnownPromotions()
