"""The leader's duty of learning: look at what has been counted lately, and record what follows from it."""

import logging
from typing import Any, Final

from darklaunch_shared.redis.client import RedisClient
from psycopg import Connection

from darklaunch_comparator.noise.learning import classify_place
from darklaunch_comparator.store.noise import change_place_state, read_undecided_places

LATELY_S: Final = 120.0
"""How long after its last pair an endpoint is still looked at: longer than a batch takes from its start to COMMIT."""

log = logging.getLogger("darklaunch.comparator")


class NoiseLearner:
    """Decides each place's state from its counts. The first look takes in everything there is."""

    def __init__(self) -> None:
        self._within_s: float | None = None

    def learn(self, connection: Connection[Any], _redis: RedisClient) -> None:
        """Record each place that has become something else. What was recorded of exchanges before stays as it is."""
        for place in read_undecided_places(connection, self._within_s):
            became = classify_place(place.version, place.counts)
            if became is not place.state:
                change_place_state(connection, place, became)
                log.info("%s: %s %s is %s from now on", place.launch, place.endpoint, place.path, became)
        self._within_s = LATELY_S
