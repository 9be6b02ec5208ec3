"""The duty of learning noise: decide each place's state from its counts, record what changed, and tell the workers.

Workers ask a second time whenever a response differs from the primary's, at every endpoint that is not listed as known
on Redis. The list expires by itself, so that it outlives neither its launch nor the comparators for long.
"""

import logging
import time
from typing import Any, Final

import orjson
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchStatus
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.script_calls import write_even_if_full
from psycopg import Connection

from darklaunch_comparator.noise.learning import classify_place
from darklaunch_comparator.store.launches import list_launches
from darklaunch_comparator.store.noise import change_place_state, read_known_endpoints, read_undecided_places

RECENT_S: Final = 120.0
"""How long after its last pair an endpoint is still looked at: longer than a batch takes from its start to COMMIT."""
REPEAT_S: Final = 30.0
"""How often the list of known endpoints is written although it did not change: Redis may have lost it."""
EXPIRES_S: Final = 600

log = logging.getLogger("darklaunch.comparator")


class NoiseLearner:
    """Learns from what was counted lately; the first call takes in everything there is."""

    def __init__(self) -> None:
        self._within_s: float | None = None
        self._published: dict[str, tuple[bytes, float]] = {}

    def learn_noise(self, connection: Connection[Any], redis: RedisClient) -> None:
        """Learn, then publish what is known. Raises psycopg.Error and RedisError."""
        self.learn_places(connection)
        for record in list_launches(connection):
            if record.state.status is LaunchStatus.ACTIVE and record.state.spec.noise_percent > 0:
                self._publish_known(connection, redis, record.state.name)

    def learn_places(self, connection: Connection[Any]) -> None:
        """Record each place whose state changed. Results already recorded stay as they are. Raises psycopg.Error."""
        for place in read_undecided_places(connection, self._within_s):
            state = classify_place(place.version, place.counts, place.state)
            if state is not place.state:
                change_place_state(connection, place, state)
                log.info("%s: %s %s (%s) is %s", place.launch, place.endpoint, place.path, place.aspect, state)
        self._within_s = RECENT_S

    def _publish_known(self, connection: Connection[Any], redis: RedisClient, launch: str) -> None:
        known = orjson.dumps(read_known_endpoints(connection, launch, time.time_ns() // 1_000_000))
        published, at_s = self._published.get(launch, (b"", float("-inf")))
        now_s = time.monotonic()
        if known != published or now_s - at_s >= REPEAT_S:
            write_even_if_full(redis, "SET", keys.known_noise(launch), known, "EX", EXPIRES_S)
            self._published[launch] = known, now_s
