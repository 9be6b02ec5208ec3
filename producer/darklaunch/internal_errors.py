"""Logging of the hook's own errors: it never raises, and never fills the app's log."""

import logging
from contextlib import suppress
from time import monotonic
from typing import Final

log = logging.getLogger("darklaunch")

LOG_INTERVAL_S: Final = 60.0

# Known by the package they are from: a web app need not have any of these installed.
_INTERRUPTING_PACKAGES: Final = frozenset({"asyncio", "greenlet", "gevent", "eventlet", "trio"})


def is_external_interrupt(error: BaseException) -> bool:
    """True for what was raised into this thread from outside: a signal, a cancellation, a time limit.

    The hook raises nothing of the kind itself, and must not swallow it.
    """
    if isinstance(error, Exception):
        return False
    if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
        return True
    return any(base.__module__.partition(".")[0] in _INTERRUPTING_PACKAGES for base in type(error).__mro__)


class ErrorLog:
    """Logs the error being handled, with its traceback, once a minute at most."""

    def __init__(self) -> None:
        self._logged_at_s = float("-inf")

    def log_error(self, activity: str) -> None:
        """Log the error being handled. `activity` completes "darklaunch failed while"."""
        with suppress(Exception):  # a handler of the app's own may fail
            if monotonic() - self._logged_at_s >= LOG_INTERVAL_S:
                self._logged_at_s = monotonic()
                log.exception("darklaunch failed while %s; the app is not affected", activity)
