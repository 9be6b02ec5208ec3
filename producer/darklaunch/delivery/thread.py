"""The delivery thread: reads the launches, and sends recordings and counters to Redis.

No error ends it. Redis away, a damaged launch, a recording that cannot be sent: each costs only what it concerns.
"""

from __future__ import annotations

import logging
import secrets
import string
import threading
from collections.abc import Callable, Mapping
from time import monotonic, time_ns
from typing import Final

from darklaunch_shared.crypto.sealing import Sealer
from darklaunch_shared.launch.states import POLL_S
from darklaunch_shared.process.backoff import Backoff
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.script_calls import call_script, preload_scripts
from darklaunch_shared.wire.producer_counters import ProducerCounters
from redis.exceptions import OutOfMemoryError

from darklaunch.capture.buffer import RecordingBuffer
from darklaunch.capture.launch_snapshot import LaunchSnapshot
from darklaunch.capture.recording import FinishedRecording
from darklaunch.errors import NoReply, NotSent, RedisUnavailable
from darklaunch.internal_errors import ErrorLog
from darklaunch.routes.app_name import AppName
from darklaunch.settings import HookSettings

from .known_promotions import PROMOTIONS
from .launch_poller import SnapshotPoller
from .launch_queue import LaunchQueue
from .packing import RecordingPacker
from .redis_connection import ERROR_REPLIES, RedisConnection
from .route_publisher import ListApps
from .telemetry import HookTelemetry

log = logging.getLogger("darklaunch")

COLLECT_INTERVAL_S: Final = 0.05
RECORDINGS_PER_COLLECT: Final = 500
PAUSE_AFTER_ERROR_S: Final = 1.0
LAST_REPORT_S: Final = 0.4  # how much of the time for stopping is kept for the last counters

# The thread itself must import nothing: a fork at that moment would leave the child a module that stays half imported.
preload_scripts("admit", "heartbeat")

NOTHING_RESUMED: Final[Mapping[str, ProducerCounters]] = {}

Publish = Callable[["DeliveryThread", LaunchSnapshot], None]


class DeliveryThread:
    """One run of the delivery thread, as a producer with an id of its own.

    `publish` is called with every snapshot of the launches. It is given the thread too, because one that was replaced
    may still be stopping.
    """

    def __init__(
        self,
        settings: HookSettings,
        interface: str,
        buffer: RecordingBuffer,
        *,
        publish: Publish,
        sealer: Sealer | None,
        list_apps: ListApps,
        resumed: Mapping[str, ProducerCounters] = NOTHING_RESUMED,
    ) -> None:
        """`resumed` are the counters of a producer that ended, by launch: this one goes on as it.

        It must be given the same exchanges from there on: those that are on a stream already are not written again.
        """
        self.producer = next((counters.producer for counters in resumed.values()), "") or _make_producer_id()
        self._resumed = resumed
        self._buffer = buffer
        self._publish = publish
        self._started_ms = _wall_clock_ms()
        self._redis = RedisConnection(settings.redis_url)
        app_name = AppName(settings.app_name, list_apps)
        self._poller = SnapshotPoller(self._redis, app_name, can_seal=sealer is not None)
        self._packer = RecordingPacker(settings, sealer)
        self._telemetry = HookTelemetry(
            self._redis,
            settings,
            producer=self.producer,
            interface=interface,
            app_name=app_name,
            list_apps=list_apps,
            seals=sealer is not None,
        )
        self._queues: dict[str, LaunchQueue] = {}
        self._backoff = Backoff(first_s=0.2, cap_s=3.0)
        self._retry_at_s = 0.0
        self._write_backoff = Backoff(first_s=0.1, cap_s=3.0)
        self._retry_write_at_s = 0.0
        self._error_log = ErrorLog()
        self._thread = threading.Thread(target=self._run, name="darklaunch", daemon=True)
        self._stopping = threading.Event()
        self._stop_by_s = float("inf")

    def read_counters(self, launch: str) -> ProducerCounters | None:
        """Return the counters of a launch as they are now; None while nothing was recorded for it."""
        queue = self._queues.get(launch)
        return None if queue is None else queue.build_counters(_wall_clock_ms())

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, limit_s: float) -> None:
        """Make the thread send what waits, and end; return after `limit_s` at the latest."""
        PROMOTIONS.followed = False
        self._stop_by_s = monotonic() + limit_s
        self._stopping.set()
        self._thread.join(limit_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._run_guarded(self._run_round_and_wait)
        self._run_guarded(self._send_rest)
        self._redis.close()

    def _run_round_and_wait(self) -> None:
        self._run_round()
        self._stopping.wait(self._pause_s())

    def _run_round(self) -> None:
        self._collect_recordings()
        if monotonic() < self._retry_at_s:
            return
        try:
            if self._poller.poll_if_due(monotonic()):
                self._note_recovery()
            self._apply_states()
            self._write_to_redis(until_s=self._poller.next_poll_s)
        except RedisUnavailable as error:
            self._schedule_retry(error)

    def _write_to_redis(self, until_s: float) -> None:
        """Write exchanges and telemetry. If Redis does not reply to a write, only writing waits; reading goes on."""
        if monotonic() < self._retry_write_at_s:
            return
        try:
            self._send_batches(until_s)
            self._telemetry.write_due(self._queues.values(), self._poller.snapshot, self._packer.framework)
            self._write_backoff.reset()
        except NoReply as error:
            if self._write_backoff.failures == 0:
                log.warning("darklaunch got no reply from Redis and sends the batch again until it does: %s", error)
            self._retry_write_at_s = monotonic() + self._write_backoff.next_s()

    def _send_rest(self) -> None:
        """Send what waits, then the last counters. What cannot be sent in time is counted as dropped."""
        try:
            if not self._backoff.failures:
                self._send_batches(until_s=self._stop_by_s - LAST_REPORT_S)
        except RedisUnavailable as error:
            log.debug("darklaunch stops without sending what waits: %s", error)
        self._collect_recordings()
        while len(self._buffer):
            self._collect_recordings()
        for queue in self._queues.values():
            queue.close()
        crash_point("hook.drained")
        if monotonic() < self._stop_by_s:
            try:
                self._telemetry.close(self._queues.values())
            except RedisUnavailable as error:
                log.debug("darklaunch stops without writing its last counters: %s", error)

    def _collect_recordings(self) -> None:
        """Count the notes of request threads, and move their recordings into the queues."""
        self._apply_states()
        for launches, sampled, reason in self._buffer.take_notes():
            for name in launches:
                queue = self._get_queue(name)
                if not sampled:
                    queue.skipped[reason] += 1
                else:
                    queue.count_lost("redis_down" if reason == "buffer_full" and self._backoff.failures else reason)
        for recording in self._buffer.take_recordings(RECORDINGS_PER_COLLECT):
            self._queue_recording(recording)

    def _queue_recording(self, recording: FinishedRecording) -> None:
        try:
            prepared = self._packer.prepare(recording, self._buffer)
        except BaseException:  # this one is lost, the others that were taken out with it are not
            self._error_log.log_error("packing an exchange")
            self._buffer.release_bytes(recording.reserved_bytes)
            for name in recording.launches:
                self._get_queue(name).count_lost("bad_input")
            return
        for name in recording.launches:
            self._get_queue(name).add(prepared)

    def _apply_states(self) -> None:
        """Obey the launches as last read. When they could not be read for 30 s, nothing is sampled."""
        if self._poller.refresh_snapshot(monotonic()):
            unknown_reason = "redis_down" if self._backoff.failures else "paused"
            for name, queue in self._queues.items():
                queue.apply_state(self._poller.states.get(name), unknown_reason)
            self._telemetry.write_counters_soon()
        self._publish(self, self._poller.snapshot)

    def _send_batches(self, until_s: float) -> None:
        """Send batches, one of each launch in turn, until nothing waits or it is `until_s`. Raises RedisUnavailable."""
        any_sent = True
        while any_sent and monotonic() < until_s:
            self._collect_recordings()
            any_sent = False
            for queue in self._queues.values():
                any_sent = self._send_batch(queue) or any_sent

    def _send_batch(self, queue: LaunchQueue) -> bool:
        """Send a queue's next batch; True if it was written, so that there may be more. Raises RedisUnavailable."""
        batch = queue.next_batch(_wall_clock_ms()) if monotonic() >= queue.retry_at_s else None
        if batch is None:
            return False
        crash_point("hook.numbered")
        try:
            admitted = int(call_script(self._redis, queue.build_admission(batch)))
        except NotSent:
            queue.record_refused("redis_down")
            raise
        except NoReply:
            queue.record_no_reply()
            raise
        except ERROR_REPLIES as error:
            out_of_memory = isinstance(error, OutOfMemoryError) or "OOM " in str(error)
            queue.record_refused("oom" if out_of_memory else "redis_down")
            queue.retry_at_s = monotonic() + queue.backoff.next_s()
            if queue.backoff.failures == 1:
                log.warning("darklaunch drops exchanges of launch %s: Redis refuses them: %s", queue.name, error)
            return False
        crash_point("hook.answered")
        queue.record_admitted(admitted)
        crash_point("hook.counted")
        queue.backoff.reset()
        return True

    def _get_queue(self, name: str) -> LaunchQueue:
        queue = self._queues.get(name)
        if queue is None:
            queue = LaunchQueue(self._poller.known[name], self.producer, self._started_ms)
            if counters := self._resumed.get(name):
                queue.go_on_from(counters)
            self._queues[name] = queue
            queue.apply_state(self._poller.states.get(name))
        return queue

    def _schedule_retry(self, error: RedisUnavailable) -> None:
        if self._backoff.failures == 0:
            log.warning("darklaunch cannot use Redis and stops sampling after 30 s; the app is not affected: %s", error)
        self._retry_at_s = monotonic() + self._backoff.next_s()
        self._poller.next_poll_s = 0.0

    def _note_recovery(self) -> None:
        if self._backoff.failures:
            log.warning("darklaunch can use Redis again")
            self._backoff.reset()

    def _pause_s(self) -> float:
        if self._poller.snapshot.sampling_launches or any(queue.waiting for queue in self._queues.values()):
            return COLLECT_INTERVAL_S
        idle_s = max(self._poller.next_poll_s, self._retry_at_s) - monotonic()
        return min(POLL_S, max(COLLECT_INTERVAL_S, idle_s))

    def _run_guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except BaseException:  # nothing may end this thread: without it nothing is written any more
            self._error_log.log_error("delivering in the background")
            self._stopping.wait(PAUSE_AFTER_ERROR_S)


def _make_producer_id() -> str:
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))


def _wall_clock_ms() -> int:
    return time_ns() // 1_000_000
