"""A small pool of SQLite connections: one per request in progress, reused."""

import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

CACHE_KIB = 16_384


class Connections:
    """Connections to one database file, opened on demand and handed to one thread at a time.

    SQLite releases the interpreter while it steps through a query, so that a slow one keeps only its own thread busy.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    @contextmanager
    def borrow(self) -> Generator[sqlite3.Connection]:
        """Yield a connection for the block. Raises sqlite3.ProgrammingError after `close`."""
        with self._lock:
            if self._closed:
                raise sqlite3.ProgrammingError(f"the connections to {self._path} are closed")
            db = self._idle.pop() if self._idle else self._open()
        try:
            yield db
        finally:
            with self._lock:
                if self._closed:
                    db.close()
                else:
                    self._idle.append(db)

    def close(self) -> None:
        """Close every connection. A running query is interrupted, and its connection closed by its thread."""
        with self._lock:
            self._closed = True
            for db in self._connections:
                if db in self._idle:
                    db.close()
                else:
                    db.interrupt()

    def _open(self) -> sqlite3.Connection:
        db = open_file(self._path)
        self._connections.append(db)
        return db


def open_file(path: Path) -> sqlite3.Connection:
    """Open an existing shop database for any thread, with rows that are read by name.

    Raises sqlite3.OperationalError when the file is not there.
    """
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, check_same_thread=False, isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    db.execute("PRAGMA synchronous = NORMAL")
    return db
