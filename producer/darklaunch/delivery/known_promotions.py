"""What this process knows of promotions. Answers are kept: only a later answer replaces one, silence never does."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Final

from darklaunch_shared.launch.spec import LaunchState, LaunchStatus


class KnownPromotions:
    """The launches that are known here, and whether each is promoted.

    `answers` is replaced whole. `followed` says that a thread of this process keeps it current.
    """

    def __init__(self) -> None:
        self.answers: Mapping[str, bool] = {}
        self.followed = False
        self._learned: dict[str, bool] = {}
        self._given: dict[str, bool] = {}
        self._pinned: Mapping[str, bool] | None = None
        self._heard = threading.Event()
        self._changing = threading.Lock()

    def learn(self, states: Mapping[str, LaunchState]) -> None:
        """Take what control state says. A launch that is not in it keeps its last answer."""
        with self._changing:
            for name, state in states.items():
                self._learned[name] = state.status is LaunchStatus.PROMOTED and not state.hold
            self._renew()
        self._heard.set()

    def give(self, promoted: Iterable[str]) -> None:
        """Take these for promoted, whatever control state says."""
        with self._changing:
            self._given.update(dict.fromkeys(promoted, True))
            self._renew()

    def pin(self, promoted: Iterable[str] | None) -> Iterable[str] | None:
        """Answer by these alone until None is pinned; give what was pinned before."""
        with self._changing:
            before, self._pinned = self._pinned, None if promoted is None else dict.fromkeys(promoted, True)
            self._renew()
        return before

    def wait(self, limit_s: float) -> bool:
        """Wait until control state was read for the first time; False when it was not in time."""
        return self._heard.wait(limit_s)

    def forget(self) -> None:
        """Start over in a forked child: the answers stay, the parent's thread and locks do not."""
        heard, self._heard, self._changing = self._heard.is_set(), threading.Event(), threading.Lock()
        self.followed = False
        if heard:
            self._heard.set()

    def _renew(self) -> None:
        self.answers = self._learned | self._given if self._pinned is None else self._pinned


FLAGS: Final = KnownPromotions()
