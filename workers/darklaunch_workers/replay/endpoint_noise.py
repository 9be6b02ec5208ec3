"""Which endpoints' noise is known: at all others, each request whose responses differ is sent again. Sans-I/O."""

from typing import Final

import orjson

MOST_AT_ONCE: Final = 300
"""Second replays at one endpoint by one process after which it stops asking at once, if nobody says what is known."""
MOST_ENDPOINTS: Final = 2_000
"""Endpoints that are counted. Of further ones only the usual share is replayed again."""


class EndpointNoise:
    """Which endpoints' noise is known, and how often the others were asked again; of one launch in this process."""

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()
        self._asked: dict[str, int] = {}

    def read_known(self, packed: bytes | None) -> None:
        """Take over the list that the comparator publishes, a JSON array of endpoints; None when there is none.

        Raises orjson.JSONDecodeError and TypeError when it is damaged.
        """
        known = frozenset[str](orjson.loads(packed)) if packed else frozenset[str]()
        for endpoint in self._known - known:
            self._asked.pop(endpoint, None)  # something new has turned up there
        self._known = known

    def is_unknown(self, endpoint: str) -> bool:
        """True if responses of an endpoint that differ are worth a second replay each."""
        if endpoint in self._known:
            return False
        asked = self._asked.get(endpoint)
        return len(self._asked) < MOST_ENDPOINTS if asked is None else asked < MOST_AT_ONCE

    def count_replay(self, endpoint: str) -> None:
        """Count a second replay."""
        if endpoint in self._asked or len(self._asked) < MOST_ENDPOINTS:
            self._asked[endpoint] = self._asked.get(endpoint, 0) + 1
