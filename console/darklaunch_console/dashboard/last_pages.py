"""The pages that were read last, for while Postgres is away: what was known is shown, with since when it is stale."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

PAGES: Final = 32


@dataclass(frozen=True, slots=True)
class LastPage:
    """A page as it was read: its values, and when."""

    page: Any
    read_at: datetime


class LastPages:
    """Remembers the latest `PAGES` addresses, and since when the server that they are read from has been away."""

    def __init__(self, get_now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._get_now = get_now
        self._lock = threading.Lock()
        self._pages: OrderedDict[str, LastPage] = OrderedDict()
        self._away_since: datetime | None = None

    def remember(self, address: str, page: Any) -> None:
        """Keep a page that was read just now: the server answers."""
        with self._lock:
            self._away_since = None
            self._pages[address] = LastPage(page, self._get_now())
            self._pages.move_to_end(address)
            if len(self._pages) > PAGES:
                self._pages.popitem(last=False)

    def note_absence(self) -> datetime:
        """Return since when the server has been away: since the first failure after the last page that was read."""
        with self._lock:
            self._away_since = self._away_since or self._get_now()
            return self._away_since

    def recall(self, address: str) -> LastPage | None:
        """Return the page of an address as it was read last; None if it is not remembered."""
        with self._lock:
            return self._pages.get(address)
