"""What both middlewares ask about each request: which launches sample it, and what records it. Framework-free."""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random
from typing import Any, Final, Protocol
from weakref import WeakSet

from darklaunch_shared.launch.effective_method import find_other_paths, find_overrides, may_override
from darklaunch_shared.launch.spec import SAFE_METHODS
from darklaunch_shared.launch.sticky import StickyKey

from darklaunch.internal_errors import ErrorLog, is_external_interrupt
from darklaunch.settings import HookSettings

from .buffer import RecordingBuffer
from .headers import decode_headers
from .launch_snapshot import NOT_STARTED, OFF, LaunchSnapshot, SamplingLaunch
from .recording import Recording, RequestHead
from .request_target import strip_query
from .sampling import compute_position, find_sticky_key
from .serialize import RecordingSerializer
from .skip_reasons import find_request_skip

EXIT_LIMIT_S: Final = 2.0
MATCHED_PATH_LIMIT: Final = 512
"""Longer paths, in characters, are not matched against patterns: a user could notice how long that takes."""

ReadHead = Callable[[], RequestHead]


class Delivery(Protocol):
    """What takes recordings out of the buffer and reads the launches, in the background."""

    @property
    def producer(self) -> str:
        """The id under which it writes exchanges."""
        ...

    def start(self) -> None:
        """Start it."""

    def stop(self, limit_s: float) -> None:
        """Send what waits and end it, within `limit_s`."""


CreateDelivery = Callable[["CaptureRecorder"], Delivery]


class CaptureRecorder:
    """Decides which requests are sampled, and records them.

    A request that no launch wants costs one read of `snapshot` and a comparison of `draw()` with its ceiling: the
    delivery thread replaces the snapshot whole. `draw` has a random generator of its own, so that an app that seeds
    `random` keeps its sequence. `hooks` are the middlewares that share this recorder.
    """

    def __init__(self, settings: HookSettings, create_delivery: CreateDelivery) -> None:
        self.settings = settings
        self.snapshot: LaunchSnapshot = NOT_STARTED if settings.redis_url else OFF
        self.draw: Callable[[], float] = Random().random
        self.buffer = self._create_buffer()
        self.hooks: WeakSet[Any] = WeakSet()
        self._create_delivery = create_delivery
        self._serializer = RecordingSerializer(settings)
        self._delivery: Delivery | None = None
        self._starting = threading.Lock()
        self._error_log = ErrorLog()

    @property
    def running(self) -> bool:
        """True while a background thread delivers for it."""
        return self._delivery is not None

    @property
    def producer(self) -> str:
        """The id under which exchanges are written to Redis, "" while no background thread delivers."""
        delivery = self._delivery
        return "" if delivery is None else delivery.producer

    def begin_recording(self, draw: float, method: str, target: str, read_head: ReadHead) -> Recording | None:
        """Begin to record a request for the launches that sample it; None when no launch does.

        `draw` is the request's random number (0 to 1). `read_head` reads the rest of the request, and is called only
        when it is needed.
        """
        snapshot = self.snapshot
        if snapshot is NOT_STARTED:
            self.start()
            return None
        head: RequestHead | None = None
        launches: list[str] = []
        seals, is_safe = False, bool(target) and method in SAFE_METHODS
        for launch in snapshot.sampling_launches:
            if launch.sticky is None:
                sampled = draw < launch.fraction
            else:
                head = head or read_head()
                sampled = self._samples_key(launch, launch.sticky, head, draw)
            if sampled and ((is_safe and not launch.restricted) or not self._is_refused(launch, method, target)):
                launches.append(launch.name)
                seals = seals or launch.seals
        if not launches:
            return None
        head = head or read_head()
        if may_override(head.fields, target):
            launches = self._select_by_overrides(snapshot, launches, head)
            if not launches:
                return None
        if reason := find_request_skip(head.fields):
            self.buffer.add_note(tuple(launches), reason)
            return None
        return Recording(head, tuple(launches), self.buffer, self._serializer, seals=seals)

    def count_replay(self) -> None:
        """Count a replay as skipped (`loop`) for each launch that would have sampled it as a user's request."""
        self.start()
        draw = self.draw()
        for launch in self.snapshot.sampling_launches:
            if draw < launch.fraction:
                self.buffer.add_note((launch.name,), "loop")

    def start(self) -> None:
        """Start the background thread, once. Does not wait for another thread that is starting it."""
        if self.snapshot is not NOT_STARTED or not self._starting.acquire(blocking=False):
            return
        try:
            if self.snapshot is NOT_STARTED:
                self.snapshot = OFF
                self.buffer = self._create_buffer()
                self._delivery = self._create_delivery(self)
                self._delivery.start()
        except BaseException as error:
            self.log_error("starting its background thread", error)
        finally:
            self._starting.release()

    def stop(self, *, for_good: bool) -> None:
        """Send what waits and end the background thread, within 2 s.

        Unless it is for good, the next request starts a new one.
        """
        delivery, self._delivery = self._delivery, None
        if delivery is not None:
            self.snapshot = OFF if for_good else NOT_STARTED
            delivery.stop(EXIT_LIMIT_S)

    def reset_after_fork(self) -> None:
        """Start over in a forked child: the parent's thread and what waits for it stay the parent's."""
        self.draw = Random().random
        self.buffer = self._create_buffer()
        if self._delivery is not None or self._starting.locked():
            self._delivery = None
            self.snapshot = NOT_STARTED
        self._starting = threading.Lock()

    def divert_to(self, snapshot: LaunchSnapshot, buffer: RecordingBuffer) -> None:
        """Record for these launches into this buffer, whatever Redis says; the background thread ends."""
        self.stop(for_good=True)
        self.snapshot = snapshot
        self.buffer = buffer

    def end_diversion(self) -> None:
        """End a diversion: start over as if new."""
        self.buffer = self._create_buffer()
        self.snapshot = NOT_STARTED if self.settings.redis_url else OFF

    def publish_snapshot(self, delivery: Delivery, snapshot: LaunchSnapshot) -> None:
        """Sample by this snapshot from now on. Ignored when it comes from a thread that was replaced."""
        if self._delivery is delivery:
            self.snapshot = snapshot

    def abandon_recording(self, recording: Recording, error: BaseException) -> None:
        """End a recording because of the error being handled, which `log_error` logs or raises again."""
        self.log_error("recording a request", error)
        self._skip_recording(recording, "hook_error")

    def abort_recording(self, recording: Recording) -> None:
        """End a recording whose request did not complete, if it is still open."""
        self._skip_recording(recording, "aborted")

    def log_error(self, activity: str, error: BaseException) -> None:
        """Log and swallow an internal error. Raise again what came from outside (a signal, cancellation, time limit).

        `activity` completes "darklaunch failed while".
        """
        if is_external_interrupt(error):
            raise error
        self._error_log.log_error(activity)

    def _skip_recording(self, recording: Recording, reason: str) -> None:
        try:
            recording.skip(reason)
        except BaseException as error:
            recording.open = False
            self.log_error("giving up a recording", error)

    def _create_buffer(self) -> RecordingBuffer:
        return RecordingBuffer(self.settings.buffer_bytes, self.settings.buffer_entries)

    def _samples_key(self, launch: SamplingLaunch, sticky: StickyKey, head: RequestHead, draw: float) -> bool:
        key = find_sticky_key(sticky, decode_headers(head.headers), head.client)
        if key:
            return compute_position(launch.name, key) < launch.fraction
        if draw < launch.fraction:  # as many as a random launch would have sampled
            self.buffer.add_note((launch.name,), "no_sticky_key")
        return False

    def _select_by_overrides(self, snapshot: LaunchSnapshot, launches: list[str], head: RequestHead) -> list[str]:
        """Return those of the launches that mirror a request by each method it names, and note it for the others."""
        headers = decode_headers(head.headers)
        overrides, other_paths = find_overrides(headers, head.target), find_other_paths(headers)
        path = strip_query(head.target)
        selected: list[str] = []
        for launch in snapshot.sampling_launches:
            if launch.name in launches:
                if reason := launch.policy.explain_refusal(head.method, path, overrides, other_paths):
                    self.buffer.add_note((launch.name,), reason)
                else:
                    selected.append(launch.name)
        return selected

    def _is_refused(self, launch: SamplingLaunch, method: str, target: str) -> bool:
        path = strip_query(target)
        reason: str | None
        if not target:
            reason = "unsupported"
        elif launch.skip_reason:
            reason = launch.skip_reason
        elif launch.restricted and len(path) > MATCHED_PATH_LIMIT:
            reason = "path"
        else:
            reason = launch.policy.explain_refusal(method, path)
        if reason:
            self.buffer.add_note((launch.name,), reason)
        return reason is not None
