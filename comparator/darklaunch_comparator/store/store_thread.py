"""A thread that works over a Postgres connection of its own, and connects again after an error."""

import threading
from collections.abc import Callable
from typing import Any

from darklaunch_shared.process.backoff import Backoff
from psycopg import Connection

from .connect import ConnectionLimits, connect_store


class StoreThread:
    """Calls `task` with a connection every `every_s` until stopped.

    When the task or the connection fails, `on_failure` gets the error and whether it is the first since the last
    success; then a new connection is tried, after a delay that grows with each failure. A connection and its task stay
    on this thread. The thread does not keep the process alive.
    """

    def __init__(
        self,
        dsn: str,
        task: Callable[[Connection[Any]], None],
        *,
        name: str,
        every_s: float,
        on_failure: Callable[[Exception, bool], None],
        limits: ConnectionLimits | None = None,
    ) -> None:
        self._dsn = dsn
        self._task = task
        self._name = name
        self._every_s = every_s
        self._on_failure = on_failure
        self._limits = limits
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def stopping(self) -> bool:
        """True once the thread was told to stop; a long task should then return."""
        return self._stop.is_set()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to stop after the task in progress, without waiting for it."""
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        """Wait until the thread has ended, at most `timeout_s`."""
        self._thread.join(timeout_s)

    def wait(self, seconds: float) -> None:
        """Wait within a task: until the time has passed or the thread is told to stop."""
        self._stop.wait(seconds)

    def _run(self) -> None:
        backoff = Backoff()
        while not self._stop.is_set():
            try:
                with connect_store(self._dsn, name=self._name, limits=self._limits) as connection:
                    while not self._stop.is_set():
                        self._task(connection)
                        backoff.reset()
                        self._stop.wait(self._every_s)
            except Exception as error:
                self._on_failure(error, backoff.failures == 0)
                self._stop.wait(backoff.next_s())
