"""Reading control state over the hook's own connection, and passing on who is promoted."""

from __future__ import annotations

from collections.abc import Mapping

from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.launch.states import LaunchStates
from redis.exceptions import RedisError

from .known_promotions import FLAGS
from .redis_connection import ErrorReply, RedisConnection


class ControlReader:
    """The launches as Redis last told them."""

    def __init__(self, wire: RedisConnection) -> None:
        self._wire, self._view = wire, LaunchStates()
        self._told: Mapping[str, LaunchState] | None = None

    def read(self, now_s: float) -> None:
        """Read what has changed. Raises Trouble when Redis cannot be asked, or refuses."""
        try:
            while self._view.feed(self._wire.ask(self._view.commands()), now_s):
                pass
        except RedisError as error:
            self._view.restart()
            raise ErrorReply(f"Redis refuses to show the launches: {error}") from error
        except BaseException:
            self._view.restart()
            raise
        states = self.states(now_s)
        if states is not self._told:
            self._told = states
            FLAGS.learn(states)

    def states(self, now_s: float) -> Mapping[str, LaunchState]:
        """Give every readable launch; none when Redis could not be read for 30 s."""
        return self._view.states(now_s)

    def broken(self) -> dict[str, str]:
        """Give the launches whose control state is damaged, with why."""
        return self._view.broken()
