"""`is_promoted`: the switch between the old code and the new, inside the app.

    total = new_total(cart) if is_promoted("checkout-v2") else old_total(cart)

The hook's background thread keeps the answers current; a process without a hook, a cron job or a queue's worker, gets a
thread that does only that.
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

from .capture.recorder import recorders
from .delivery.control_reader import ControlReader
from .delivery.known_promotions import FLAGS
from .delivery.redis_connection import RedisConnection, RedisUnavailable
from .internal_errors import ErrorLog, is_delivered
from .settings import BadSetting, HookSettings, read_settings

log = logging.getLogger("darklaunch")

FIRST_ANSWER_S: Final = 1.0


def is_promoted(name: str) -> bool:
    """Tell whether the launch is promoted: True switches to the new code. A dictionary look-up; raises nothing.

    Current within a second. What is not known is False; what was once known stays so while Redis cannot be read, for
    as long as the process lives: an outage must not switch code. A hold or a rollback switches back. The first call in
    a process waits for Redis, 1 s at most, except in an asyncio event loop. Names in DARKLAUNCH_PROMOTED are always
    promoted: that is how a shadow runs the new code.
    """
    if not FLAGS.followed:
        _follow()
    return FLAGS.answers.get(name, False)


class PromotionFollower:
    """A background thread that reads control state and nothing else."""

    def __init__(self, redis_url: str) -> None:
        self._reading, self._complaint = ControlReader(RedisConnection(redis_url)), ErrorLog()
        self._backoff = Backoff(first_s=0.2, cap_s=3.0)
        self._thread = threading.Thread(target=self._run, name="darklaunch-flags", daemon=True)

    def start(self) -> None:
        """Start the thread; it ends with the process."""
        self._thread.start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self._read())

    def _read(self) -> float:
        """Read once and give how long to wait before the next time."""
        try:
            self._reading.read(monotonic())
        except RedisUnavailable as trouble:
            if self._backoff.failures == 0:
                log.warning("%s Until it is back, is_promoted answers as before.", trouble)
            return self._backoff.next_s()
        except Exception:
            self._complaint.log("reading which launches are promoted")
            return FIRST_ANSWER_S
        if self._backoff.failures:
            log.warning("Redis answers again")
            self._backoff.reset()
        return POLL_S


_starting = threading.Lock()
_complaint = ErrorLog()
_said = False


def _follow() -> None:
    """Have the answers kept current, and wait for the first of them where that is allowed."""
    try:
        if _starting.acquire(blocking=False):
            try:
                follows = FLAGS.followed or _start()
            finally:
                _starting.release()
        else:
            follows = True  # another thread is at it
        if follows:
            if not _in_event_loop():
                FLAGS.wait(FIRST_ANSWER_S)
            FLAGS.followed = True
    except BaseException as error:
        if is_delivered(error):
            raise
        _complaint.log("following which launches are promoted")


def _start() -> bool:
    """Start what keeps the answers current; False when nothing does now, as in a test that diverts the hooks."""
    hooks = [recorder for recorder in recorders() if recorder.settings.redis_url]
    if hooks:
        for recorder in hooks:
            recorder.start()
        return any(recorder.running for recorder in hooks)
    settings = _settings()
    FLAGS.give(settings.promoted)
    if settings.redis_url:
        PromotionFollower(settings.redis_url).start()
    else:
        _say_once()
        FLAGS.learn({})
    return True


def _settings() -> HookSettings:
    try:
        return read_settings({})
    except BadSetting as wrong:
        log.error("is_promoted knows of no launch: %s", wrong)
        return HookSettings()


def _say_once() -> None:
    global _said
    if not _said and not FLAGS.answers:
        log.warning("is_promoted is always False: neither DARKLAUNCH_REDIS_URL nor DARKLAUNCH_PROMOTED is set")
    _said = True


def _in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _forget() -> None:
    global _starting
    _starting = threading.Lock()
    FLAGS.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
