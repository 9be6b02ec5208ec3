"""The duty of learning noise: decide each place's state from its counts, and record what changed."""

import logging
from typing import Any, Final

from darklaunch_shared.redis.client import RedisClient
from psycopg import Connection

from darklaunch_comparator.noise.learning import classify_place
from darklaunch_comparator.store.noise import change_place_state, read_undecided_places

RECENT_S: Final = 120.0
"""How long after its last pair an endpoint is still looked at: longer than a batch takes from its start to COMMIT."""

log = logging.getLogger("darklaunch.comparator")


class NoiseLearner:
    """Learns from what was counted lately; the first call takes in everything there is."""

    def __init__(self) -> None:
        self._within_s: float | None = None

    def learn_noise(self, connection: Connection[Any], _redis: RedisClient) -> None:
        """Record each place whose state changed. Results already recorded stay as they are. Raises psycopg.Error."""
        for place in read_undecided_places(connection, self._within_s):
            state = classify_place(place.version, place.counts)
            if state is not place.state:
                change_place_state(connection, place, state)
                log.info("%s: %s %s is %s from now on", place.launch, place.endpoint, place.path, state)
        self._within_s = RECENT_S
