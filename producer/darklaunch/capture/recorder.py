"""The face of the hook towards a request: is it sampled, and what records it. Framework-free.

There is one recorder per set of options and process. Its background thread (`Flusher`) starts with the first request
or the server's start-up, never at import, so that a server may fork first; a forked child starts anew.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from random import Random
from typing import Any, Final
from weakref import WeakSet

from darklaunch_shared.crypto.sealing import Sealer
from darklaunch_shared.errors import BadKey
from darklaunch_shared.launch.spec import SAFE_METHODS

from darklaunch.delivery.known_promotions import FLAGS
from darklaunch.delivery.thread import DeliveryThread
from darklaunch.internal_errors import ErrorLog, is_delivered
from darklaunch.settings import BadSetting, HookSettings, read_settings

from .buffer import RecordingBuffer
from .headers import as_text
from .launch_snapshot import OFF, UNSTARTED, LaunchSnapshot, SamplingLaunch
from .recording import Recording, RequestHead
from .request_target import path_of
from .sampling import StickyKey, position, sticky_key
from .serialize import RecordingSerializer
from .skip_reasons import request_skip

log = logging.getLogger("darklaunch")

EXIT_LIMIT_S: Final = 2.0
MATCHED_PATH_LIMIT: Final = 512
"""Longer paths are not held against a launch's patterns: a user could notice how long that takes."""

ReadHead = Callable[[], RequestHead]


class CaptureRecorder:
    """Decides about requests and records them.

    `snapshot` is replaced whole; reading it once and comparing `draw()` with its ceiling is all that a request costs
    that no launch wants. `draw` gives random numbers of the hook's own: an app that seeds `random` keeps its sequence.
    `hooks` are the middlewares that use it.
    """

    def __init__(self, settings: HookSettings, interface: str) -> None:
        self.settings = settings
        self.snapshot: LaunchSnapshot = UNSTARTED if settings.redis_url else OFF
        self.draw: Callable[[], float] = Random().random
        self.outbox = RecordingBuffer(settings.outbox_bytes, settings.outbox_entries)
        self.hooks: WeakSet[Any] = WeakSet()
        self._interface, self._writer = interface, RecordingSerializer(settings)
        self._sealer = _sealer_of(settings)  # not later: the thread must import nothing
        self._flusher: DeliveryThread | None = None
        self._starting = threading.Lock()
        self._complaint = ErrorLog()

    @property
    def running(self) -> bool:
        """Whether it has a background thread."""
        return self._flusher is not None

    def begin(self, u: float, method: str, target: str, read_head: ReadHead) -> Recording | None:
        """Start recording a request for the launches that sample it; None when there are none.

        `u` is the request's random number, `read_head` reads the rest of the request if that is needed.
        """
        snapshot = self.snapshot
        if snapshot is UNSTARTED:
            self.start()
            return None
        head: RequestHead | None = None
        launches: list[str] = []
        seals, plain = False, bool(target) and method in SAFE_METHODS
        for mirror in snapshot.mirrors:
            if mirror.sticky is None:
                sampled = u < mirror.fraction
            else:
                head = head or read_head()
                sampled = self._sticks(mirror, mirror.sticky, head, u)
            if sampled and ((plain and not mirror.patterned) or not self._refused(mirror, method, target)):
                launches.append(mirror.name)
                seals = seals or mirror.seals
        if not launches:
            return None
        head = head or read_head()
        if reason := request_skip(head.fields):
            self.outbox.note(tuple(launches), reason)
            return None
        return Recording(head, tuple(launches), self.outbox, self._writer, seals=seals)

    def count_loop(self) -> None:
        """Count a replay that a launch would have sampled, had it been a user's request."""
        self.start()
        u = self.draw()
        for mirror in self.snapshot.mirrors:
            if u < mirror.fraction:
                self.outbox.note((mirror.name,), "loop")

    def start(self) -> None:
        """Start the background thread, once; never waits for another thread that is at it."""
        if self.snapshot is not UNSTARTED or not self._starting.acquire(blocking=False):
            return
        try:
            if self.snapshot is UNSTARTED:
                self.snapshot = OFF
                self.outbox = RecordingBuffer(self.settings.outbox_bytes, self.settings.outbox_entries)
                self._flusher = DeliveryThread(
                    self.settings, self._interface, self.outbox, self._publish, self._sealer, lambda: list(self.hooks)
                )
                self._flusher.start()
        except BaseException as error:
            self.complain("starting its background thread", error)
        finally:
            self._starting.release()

    def stop(self, *, for_good: bool) -> None:
        """Write what waits and end the background thread, in 2 s at most.

        Unless it is for good, the next request starts a new one.
        """
        flusher, self._flusher = self._flusher, None
        if flusher is not None:
            self.snapshot = OFF if for_good else UNSTARTED
            FLAGS.followed = False
            flusher.stop(EXIT_LIMIT_S)

    def forget(self) -> None:
        """Start over in a forked child: what the parent holds stays the parent's."""
        self.draw = Random().random
        self.outbox = RecordingBuffer(self.settings.outbox_bytes, self.settings.outbox_entries)
        if self._flusher is not None or self._starting.locked():
            self._flusher = None
            self.snapshot = UNSTARTED
        self._starting = threading.Lock()

    def divert(self, snapshot: LaunchSnapshot, outbox: RecordingBuffer) -> None:
        """Record for these launches into this outbox, whatever Redis says; the background thread ends."""
        self.stop(for_good=True)
        self.snapshot, self.outbox = snapshot, outbox

    def restore(self) -> None:
        """End a diversion: start over as if new."""
        self.outbox = RecordingBuffer(self.settings.outbox_bytes, self.settings.outbox_entries)
        self.snapshot = UNSTARTED if self.settings.redis_url else OFF

    def give_up(self, recording: Recording, error: BaseException) -> None:
        """End a recording over the error being handled, as `complain` does."""
        self.complain("recording a request", error)
        self._end(recording, "hook_error")

    def abort(self, recording: Recording) -> None:
        """End a recording, if it is open, whose request did not come to its end."""
        self._end(recording, "aborted")

    def complain(self, doing: str, error: BaseException) -> None:
        """Log the error being handled, which must not reach the app. One that was delivered goes on: it is raised."""
        if is_delivered(error):
            raise error
        self._complaint.log(doing)

    def _end(self, recording: Recording, reason: str) -> None:
        try:
            recording.skip(reason)
        except BaseException as error:
            recording.open = False
            self.complain("giving a recording up", error)

    def _publish(self, flusher: DeliveryThread, snapshot: LaunchSnapshot) -> None:
        if self._flusher is flusher:
            self.snapshot = snapshot

    def _sticks(self, mirror: SamplingLaunch, sticky: StickyKey, head: RequestHead, u: float) -> bool:
        key = sticky_key(sticky, as_text(head.headers), head.client)
        if key:
            return position(mirror.name, key) < mirror.fraction
        if u < mirror.fraction:
            self.outbox.note((mirror.name,), "no_sticky_key")
        return False

    def _refused(self, mirror: SamplingLaunch, method: str, target: str) -> bool:
        path = path_of(target)
        reason: str | None
        if not target:
            reason = "unsupported"
        elif mirror.barred:
            reason = mirror.barred
        elif mirror.patterned and len(path) > MATCHED_PATH_LIMIT:
            reason = "path"
        else:
            reason = mirror.policy.refusal(method, path)
        if reason:
            self.outbox.note((mirror.name,), reason)
        return reason is not None


_recorders: dict[tuple[HookSettings, str], CaptureRecorder] = {}
_newcomers: list[Callable[[CaptureRecorder], None]] = []


def recorder_for(options: Mapping[str, Any], interface: str, hook: object) -> CaptureRecorder:
    """Give the process's recorder for these options, for one more hook.

    Wrong options and a missing URL turn it off; both are logged.
    """
    try:
        settings = read_settings(options)
    except BadSetting as wrong:
        log.error("the hook is off: %s", wrong)
        settings = HookSettings()
    except Exception:
        log.exception("the hook is off: its options could not be read")
        settings = HookSettings()
    else:
        if not settings.redis_url and (settings, interface) not in _recorders:
            log.warning("nothing is captured: DARKLAUNCH_REDIS_URL is not set; replays are timed")
    FLAGS.give(settings.promoted)
    recorder = _recorders.setdefault((settings, interface), CaptureRecorder(settings, interface))
    recorder.hooks.add(hook)
    for welcome in _newcomers:
        welcome(recorder)
    return recorder


def _sealer_of(settings: HookSettings) -> Sealer | None:
    try:
        return Sealer(settings.seal_key) if settings.seal_key and settings.redis_url else None
    except BadKey as unusable:
        log.error("launches that seal credentials are not sampled: %s", unusable)
        return None


def recorders() -> list[CaptureRecorder]:
    """Give all recorders of the process."""
    return list(_recorders.values())


@contextmanager
def welcoming(welcome: Callable[[CaptureRecorder], None]) -> Generator[None]:
    """Show each recorder to `welcome`: those there are, and those made until the block ends."""
    _newcomers.append(welcome)
    try:
        for recorder in recorders():
            welcome(recorder)
        yield
    finally:
        _newcomers.remove(welcome)


def _stop_all() -> None:
    for recorder in recorders():
        with suppress(Exception):
            recorder.stop(for_good=True)


def _forget_all() -> None:
    for recorder in recorders():
        recorder.forget()


atexit.register(_stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
