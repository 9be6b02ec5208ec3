"""What this process knows of noise, read again from Postgres whenever something new has been learned.

The leader learns; every comparator reads, on a thread and a connection of its own, so that several agree within
seconds. While Postgres is away, what was read last counts on.
"""

import logging
import threading
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from darklaunch_shared.process.backoff import Backoff
from psycopg import Connection

from darklaunch_comparator.compare import KnownNoise
from darklaunch_comparator.store.connect import ConnectionLimits, connect_store
from darklaunch_comparator.store.noise import read_known_noise, read_latest_change

LOOK_EVERY_S: Final = 2.0
_LIMITS: Final = ConnectionLimits(statement_s=10.0)

log = logging.getLogger("darklaunch.comparator")


class NoiseCache:
    """Per launch and endpoint, what comparisons need to know."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._known: Mapping[str, Mapping[str, KnownNoise]] = {}
        self._seen = 0
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._run, name="darklaunch-noise", daemon=True)

    def of(self, launch: str) -> Mapping[str, KnownNoise]:
        """Give what is known of a launch, by endpoint."""
        return self._known.get(launch, {})

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def stop(self) -> None:
        """Have it end, without waiting for it."""
        self._halt.set()

    def _run(self) -> None:
        backoff = Backoff()
        while not self._halt.is_set():
            try:
                with connect_store(self._dsn, name="darklaunch-noise", limits=_LIMITS) as connection:
                    while not self._halt.is_set():
                        self._look(connection)
                        backoff.reset()
                        self._halt.wait(LOOK_EVERY_S)
            except (psycopg.Error, OSError) as error:
                log.debug("what is known of noise is not read again: %s", error)
            except Exception:
                log.exception("what is known of noise could not be read")
            self._halt.wait(backoff.next_s())

    def _look(self, connection: Connection[Any]) -> None:
        latest = read_latest_change(connection)
        if latest != self._seen:
            self._known, self._seen = read_known_noise(connection), latest
