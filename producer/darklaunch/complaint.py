"""Logging the hook's own errors without filling anybody's log, and without ever raising."""

import logging
from contextlib import suppress
from time import monotonic
from typing import Final

log = logging.getLogger("darklaunch")

EVERY_S: Final = 60.0


class Complaint:
    """Logs the error being handled, once a minute at most."""

    def __init__(self) -> None:
        self._last_s = float("-inf")

    def log(self, doing: str) -> None:
        """Log with traceback. Call it where the error is handled; `doing` completes "the hook failed while"."""
        with suppress(Exception):  # a handler of the app's own may fail
            if monotonic() - self._last_s >= EVERY_S:
                self._last_s = monotonic()
                log.exception("the hook failed while %s; the app is not affected", doing)
