"""Reading the launches over the hook's own connection, and making snapshots of them for request threads."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.launch.states import POLL_S, LaunchStates
from darklaunch_shared.process.safe_logging import escape_unprintable
from redis.exceptions import RedisError

from darklaunch.capture.launch_snapshot import OFF, LaunchSnapshot, build_snapshot
from darklaunch.errors import RedisRefused
from darklaunch.routes.app_name import AppName

from .known_promotions import PROMOTIONS
from .redis_connection import RedisConnection

log = logging.getLogger("darklaunch")

_NO_STATES: Final[Mapping[str, LaunchState]] = {}


class LaunchStateReader:
    """Reads the state of all launches from Redis, also for `is_promoted`."""

    def __init__(self, redis: RedisConnection) -> None:
        self._redis = redis
        self._view = LaunchStates()
        self._published: Mapping[str, LaunchState] | None = None

    def read_changes(self, now_s: float) -> None:
        """Read what has changed. `now_s` is a monotonic clock. Raises RedisUnavailable."""
        try:
            while self._view.feed(self._redis.send_commands(self._view.commands()), now_s):
                pass
        except RedisError as error:
            self._view.restart()
            raise RedisRefused(f"Redis refuses to show the launches: {error}") from error
        except BaseException:
            self._view.restart()
            raise
        states = self.states(now_s)
        if states is not self._published:
            self._published = states
            PROMOTIONS.update(states)

    def states(self, now_s: float) -> Mapping[str, LaunchState]:
        """Return every readable launch by name; none when Redis could not be read for 30 s."""
        return self._view.states(now_s)

    def list_damaged(self) -> dict[str, str]:
        """Return the launches whose state on Redis is damaged, with the reason as text."""
        return self._view.broken()


class SnapshotPoller:
    """Polls the launches twice a second, and the app's name. `snapshot` and `states` change only in `refresh_snapshot`.

    `known` are all launches seen so far, with their last state.
    """

    def __init__(self, redis: RedisConnection, app_name: AppName, *, can_seal: bool) -> None:
        """`can_seal` is whether the hook has a key to seal credentials with."""
        self.next_poll_s = 0.0
        self.snapshot: LaunchSnapshot = OFF
        self.states: Mapping[str, LaunchState] = _NO_STATES
        self.known: dict[str, LaunchState] = {}
        self._reader = LaunchStateReader(redis)
        self._app_name = app_name
        self._app = ""
        self._snapshot_app = ""
        self._can_seal = can_seal
        self._damaged: dict[str, str] = {}
        self._logged_problems: dict[str, str] = {}

    def poll_if_due(self, now_s: float) -> bool:
        """Read the launches if that is due; True if they were read. Raises RedisUnavailable."""
        if now_s < self.next_poll_s:
            return False
        self._reader.read_changes(now_s)
        self._app = self._app_name.find()
        self.next_poll_s = now_s + POLL_S
        return True

    def refresh_snapshot(self, now_s: float) -> bool:
        """Take over what was read last; True if it differs. What is older than 30 s counts as no launches."""
        states, damaged = self._reader.states(now_s), self._reader.list_damaged()
        if states == self.states and damaged == self._damaged and self._app == self._snapshot_app:
            return False
        self.states = states
        self._damaged = damaged
        self.known.update(states)
        self._snapshot_app = self._app
        self.snapshot, unusable = build_snapshot(states, can_seal=self._can_seal, app=self._app)
        self._log_problems({**damaged, **unusable})
        return True

    def _log_problems(self, problems: dict[str, str]) -> None:
        for name, reason in problems.items():
            if self._logged_problems.get(name) != reason:
                log.error(
                    "darklaunch does not sample launch %s: %s", escape_unprintable(name), escape_unprintable(reason)
                )
        self._logged_problems = problems
