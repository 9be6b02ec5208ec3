"""Keeping the launches up to date: polls control state and makes snapshots of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.launch.states import POLL_S
from darklaunch_shared.process.safe_logging import escape_unprintable

from darklaunch.capture.launch_snapshot import OFF, LaunchSnapshot, snapshot_of

from .control_reader import ControlReader
from .redis_connection import RedisConnection

log = logging.getLogger("darklaunch")

_UNREAD: Final[Mapping[str, LaunchState]] = {}


class LaunchWatch:
    """The launches as last read. `snapshot` and `states` follow `look`."""

    def __init__(self, wire: RedisConnection, *, can_seal: bool) -> None:
        """`can_seal` says that the hook has a key to seal credentials with."""
        self.poll_at_s = 0.0
        self.snapshot: LaunchSnapshot = OFF
        self.states: Mapping[str, LaunchState] = _UNREAD
        self.known: dict[str, LaunchState] = {}
        self._reading, self._can_seal = ControlReader(wire), can_seal
        self._unread: dict[str, str] = {}
        self._broken: dict[str, str] = {}

    def poll(self, now_s: float) -> bool:
        """Read control state when it is due; False: it is not. Raises Trouble when it cannot be read."""
        if now_s < self.poll_at_s:
            return False
        self._reading.read(now_s)
        self.poll_at_s = now_s + POLL_S
        return True

    def look(self, now_s: float) -> bool:
        """Take what was read; True when it differs from before. What is older than 30 s counts as nothing."""
        states, unread = self._reading.states(now_s), self._reading.broken()
        if states == self.states and unread == self._unread:
            return False
        self.states, self._unread = states, unread
        self.known.update(states)
        self.snapshot, unusable = snapshot_of(states, can_seal=self._can_seal)
        self._complain({**unread, **unusable})
        return True

    def _complain(self, broken: dict[str, str]) -> None:
        for name, why in broken.items():
            if self._broken.get(name) != why:
                log.error("launch %s is not sampled: %s", escape_unprintable(name), escape_unprintable(why))
        self._broken = broken
