"""`is_promoted`: the switch between the old code and the new, inside the app.

    total = new_total(cart) if is_promoted("checkout-v2") else old_total(cart)

The hook's delivery thread keeps the launches up to date. A process without a hook, such as a cron job or a queue
worker, gets a thread that does only that.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from time import monotonic
from typing import Final

from darklaunch_shared.launch.states import POLL_S
from darklaunch_shared.process.backoff import Backoff

from .delivery.known_promotions import PROMOTIONS
from .delivery.launch_poller import LaunchStateReader
from .delivery.redis_connection import RedisConnection
from .errors import BadSetting, RedisUnavailable
from .internal_errors import ErrorLog, is_external_interrupt
from .recorders import list_recorders
from .settings import read_settings

log = logging.getLogger("darklaunch")

FIRST_READ_LIMIT_S: Final = 1.0
PAUSE_AFTER_ERROR_S: Final = 1.0


def is_promoted(name: str) -> bool:
    """True if the launch is promoted: run the new code. A dictionary look-up; raises nothing.

    It follows a promotion, a rollback or a hold within a second. A launch that is not known is not promoted. While
    Redis cannot be read, what was known stays, for as long as the process lives: an outage must not switch code. The
    first call in a process waits for Redis, 1 s at most, except in an asyncio event loop. Names in DARKLAUNCH_PROMOTED
    are always promoted: that is how a shadow runs the new code.
    """
    if not PROMOTIONS.followed:
        _follow_promotions()
    return PROMOTIONS.by_launch.get(name, False)


class PromotionFollower:
    """A background thread that reads the launches and nothing else."""

    def __init__(self, redis_url: str) -> None:
        self._reader = LaunchStateReader(RedisConnection(redis_url))
        self._error_log = ErrorLog()
        self._backoff = Backoff(first_s=0.2, cap_s=3.0)
        self._thread = threading.Thread(target=self._run, name="darklaunch-flags", daemon=True)

    def start(self) -> None:
        """Start the thread; it ends with the process."""
        self._thread.start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self._read_launches())

    def _read_launches(self) -> float:
        """Read the launches once; return the seconds to wait before the next time."""
        try:
            self._reader.read_changes(monotonic())
        except RedisUnavailable as error:
            if self._backoff.failures == 0:
                log.warning("darklaunch cannot read launches, is_promoted stays as it was until it can: %s", error)
            return self._backoff.next_s()
        except Exception:
            self._error_log.log_error("reading which launches are promoted")
            return PAUSE_AFTER_ERROR_S
        if self._backoff.failures:
            log.warning("darklaunch can use Redis again")
            self._backoff.reset()
        return POLL_S


_starting = threading.Lock()
_error_log = ErrorLog()
_warned_of_no_redis = False


def _follow_promotions() -> None:
    """Start what keeps promotions up to date, and wait for the first read where waiting is allowed."""
    try:
        if _starting.acquire(blocking=False):
            try:
                followed = PROMOTIONS.followed or _start_following()
            finally:
                _starting.release()
        else:
            followed = True  # another thread is starting it
        if followed:
            if not _is_in_event_loop():
                PROMOTIONS.wait_for_first_read(FIRST_READ_LIMIT_S)
            PROMOTIONS.followed = True
    except BaseException as error:
        if is_external_interrupt(error):
            raise
        _error_log.log_error("following which launches are promoted")


def _start_following() -> bool:
    """Start the hooks' threads, or a follower where there is no hook.

    False when nothing follows promotions now, as in a test that diverts the hooks.
    """
    recorders = [recorder for recorder in list_recorders() if recorder.settings.redis_url]
    if recorders:
        for recorder in recorders:
            recorder.start()
        return any(recorder.running for recorder in recorders)
    try:
        settings = read_settings({})
    except BadSetting as error:
        log.error("darklaunch cannot read launches, is_promoted is always False: %s", error)
        PROMOTIONS.update({})
        return True
    PROMOTIONS.always_promote(settings.promoted)
    if settings.redis_url:
        PromotionFollower(settings.redis_url).start()
    else:
        _warn_of_no_redis()
        PROMOTIONS.update({})
    return True


def _warn_of_no_redis() -> None:
    global _warned_of_no_redis
    if not _warned_of_no_redis and not PROMOTIONS.by_launch:
        log.warning(
            "darklaunch cannot read launches, is_promoted is always False: "
            "neither DARKLAUNCH_REDIS_URL nor DARKLAUNCH_PROMOTED is set"
        )
    _warned_of_no_redis = True


def _is_in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _reset_after_fork() -> None:
    global _starting
    _starting = threading.Lock()
    PROMOTIONS.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
