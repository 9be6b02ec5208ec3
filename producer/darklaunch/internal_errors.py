"""Logging the hook's own errors without filling anybody's log, and without ever raising."""

import logging
from contextlib import suppress
from time import monotonic
from typing import Final

log = logging.getLogger("darklaunch")

EVERY_S: Final = 60.0


_SENDERS: Final = frozenset({"asyncio", "greenlet", "gevent", "eventlet", "trio"})


def is_delivered(error: BaseException) -> bool:
    """Tell whether an error came from outside to whoever happened to run: a signal, a cancellation, a time limit.

    The hook raises nothing of the kind itself, and must not swallow it. Known by where they are from: a web app need
    not have any of these packages.
    """
    if isinstance(error, Exception):
        return False
    if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
        return True
    return any(kind.__module__.partition(".")[0] in _SENDERS for kind in type(error).__mro__)


class ErrorLog:
    """Logs the error being handled, once a minute at most."""

    def __init__(self) -> None:
        self._last_s = float("-inf")

    def log(self, doing: str) -> None:
        """Log with traceback. Call it where the error is handled; `doing` completes "the hook failed while"."""
        with suppress(Exception):  # a handler of the app's own may fail
            if monotonic() - self._last_s >= EVERY_S:
                self._last_s = monotonic()
                log.exception("the hook failed while %s; the app is not affected", doing)
