"""The known noise of all launches, read again from Postgres whenever something new has been learned.

The leader learns; every comparator reads, on a thread and a connection of its own, so that all agree within seconds.
While Postgres is away, the noise that was read last stays in use.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg import Connection

from darklaunch_comparator.compare import KnownNoise
from darklaunch_comparator.store.connect import ConnectionLimits
from darklaunch_comparator.store.noise import read_known_noise, read_latest_change
from darklaunch_comparator.store.store_thread import StoreThread

READ_EVERY_S: Final = 2.0
_LIMITS: Final = ConnectionLimits(statement_s=10.0)

log = logging.getLogger("darklaunch.comparator")


class NoiseCache:
    """What comparisons need to know of noise, by launch and endpoint."""

    def __init__(self, dsn: str) -> None:
        self._known: Mapping[str, Mapping[str, KnownNoise]] = {}
        self._latest_change = 0
        self._thread = StoreThread(
            dsn,
            self._refresh,
            name="darklaunch-noise",
            every_s=READ_EVERY_S,
            on_failure=_log_failure,
            limits=_LIMITS,
        )

    def of(self, launch: str) -> Mapping[str, KnownNoise]:
        """Return what is known of a launch's noise, by endpoint."""
        return self._known.get(launch, {})

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, without waiting for the thread to end."""
        self._thread.stop()

    def _refresh(self, connection: Connection[Any]) -> None:
        latest_change = read_latest_change(connection)
        if latest_change != self._latest_change:
            self._known = read_known_noise(connection)
            self._latest_change = latest_change


def _log_failure(error: Exception, _is_first: bool) -> None:
    if isinstance(error, psycopg.Error | OSError):
        log.debug("known noise is not read again: %s", error)
    else:
        log.error("known noise could not be read", exc_info=error)
