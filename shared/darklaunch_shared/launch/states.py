"""The launches as one process knows them, kept up to date by polling Redis. Sans-I/O.

Every poll reads `dl:revision` and the hold of each running launch, in one pipeline; only if one of them changed are
the launches read again. Holds are read on their own because `redis-cli HSET dl:launch:NAME hold 1` must be enough to
stop a launch.
"""

from typing import Any, Final

from redis.exceptions import RedisError

from darklaunch_shared import keys
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.wire.fields import pair_fields

from .spec import LaunchState, LaunchStatus, check_name, is_held, parse_state

Command = tuple[str | bytes, ...]

POLL_S: Final = 0.5
STALE_S: Final = 30.0
REREAD_S: Final = 10.0


class LaunchStates:
    """The launches as last read.

    Drive it with any client: send `commands()` in one non-transactional pipeline that returns errors among its replies,
    pass the replies to `feed()`, and repeat while `feed()` returns True. A launch whose hash is damaged does not affect
    the others.
    """

    def __init__(self) -> None:
        self._revision: bytes | None = None
        self._states: dict[str, LaunchState] = {}
        self._broken: dict[str, str] = {}
        self._names: list[str] | None = None
        self._step = "poll"
        self._read_at = float("-inf")
        self._full_read_at = float("-inf")

    def commands(self) -> list[Command]:
        """Return the commands of the next pipeline."""
        if self._step == "names":
            return [("SMEMBERS", keys.LAUNCHES)]
        if self._step == "launches":
            return [("HGETALL", keys.launch(name)) for name in self._names or []]
        return [("GET", keys.REVISION), *(("HGET", keys.launch(name), keys.STATE_HOLD) for name in self._running())]

    def feed(self, replies: list[Any], now_s: float) -> bool:
        """Take the replies of the last pipeline; `now_s` is a monotonic clock. Return True if there is more to ask.

        Raises the RedisError that Redis replied with for `dl:revision` or `dl:launches`.
        """
        if self._step != "launches" and isinstance(replies[0], RedisError):
            raise replies[0]
        if self._step == "names":
            self._names = sorted(name.decode(errors="replace") for name in replies[0])
            self._step = "launches" if self._names else "poll"
            if not self._names:
                self._replace({}, {}, now_s)
            return bool(self._names)
        if self._step == "launches":
            self._step = "poll"
            self._read_all(replies, now_s)
            return False
        revision, holds = replies[0], replies[1:]
        changed = revision != self._revision or now_s - self._full_read_at > REREAD_S
        changed = changed or any(not isinstance(hold, RedisError) and is_held(hold) for hold in holds)
        self._revision = revision
        self._read_at = now_s
        self._step = "names" if changed else "poll"
        return changed

    def restart(self) -> None:
        """Forget a half-done read after an error: the next commands start from the beginning."""
        self._step = "poll"
        self._revision = None

    def states(self, now_s: float) -> dict[str, LaunchState]:
        """Return every readable launch by name; none if Redis could not be read for 30 s, which stops sampling."""
        return self._states if now_s - self._read_at <= STALE_S else {}

    def broken(self) -> dict[str, str]:
        """Return the launches whose state is damaged, with the reason. They count as paused."""
        return self._broken

    def _running(self) -> list[str]:
        """Return the launches that a hold would stop. Promoted ones too: their last exchanges are still replayed."""
        running = (LaunchStatus.ACTIVE, LaunchStatus.PROMOTED)
        return [name for name, state in self._states.items() if state.status in running and not state.hold]

    def _read_all(self, replies: list[Any], now_s: float) -> None:
        states: dict[str, LaunchState] = {}
        broken: dict[str, str] = {}
        for name, reply in zip(self._names or [], replies, strict=True):
            try:
                states[name] = parse_state(check_name(name), _read_hash(reply))
            except (BadLaunch, RedisError) as error:
                broken[name] = str(error)
        self._replace(states, broken, now_s)

    def _replace(self, states: dict[str, LaunchState], broken: dict[str, str], now_s: float) -> None:
        self._states = states
        self._broken = broken
        self._read_at = self._full_read_at = now_s


def _read_hash(reply: Any) -> dict[bytes, bytes]:
    if isinstance(reply, RedisError):
        raise reply
    return pair_fields(reply)
