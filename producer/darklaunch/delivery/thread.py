"""The background thread: reads what the launches are, and takes recordings to Redis.

It never ends by an error: Redis away, a damaged launch, a recording that cannot travel each cost what they concern.
"""

from __future__ import annotations

import logging
import secrets
import string
import threading
from collections.abc import Callable
from time import monotonic, time_ns
from typing import Final

from darklaunch_shared.crypto.sealing import Sealer
from darklaunch_shared.launch.states import POLL_S
from darklaunch_shared.process.backoff import Backoff
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.script_calls import call_script
from darklaunch_shared.scripts import load
from redis.exceptions import OutOfMemoryError

from darklaunch.capture.buffer import RecordingBuffer
from darklaunch.capture.launch_snapshot import LaunchSnapshot
from darklaunch.capture.recording import FinishedRecording
from darklaunch.internal_errors import ErrorLog
from darklaunch.settings import HookSettings

from .launch_queue import LaunchQueue
from .launch_watch import LaunchWatch
from .packing import RecordingPacker
from .redis_connection import REPLIES, NoReply, NotSent, RedisConnection, RedisUnavailable
from .route_publisher import Apps
from .telemetry import HookTelemetry

log = logging.getLogger("darklaunch")

FLUSH_S: Final = 0.05
TAKE_AT_ONCE: Final = 500
AFTER_ERROR_S: Final = 1.0
FAREWELL_S: Final = 0.4  # of the time for leaving, kept for the last counters

# The thread itself must import nothing: a fork at that moment would leave the child a module that stays half imported.
for _script in ("admit", "heartbeat"):
    load(_script)

Publish = Callable[["DeliveryThread", LaunchSnapshot], None]


class DeliveryThread:
    """One life of the background thread, under a producer id of its own."""

    def __init__(
        self,
        settings: HookSettings,
        interface: str,
        outbox: RecordingBuffer,
        publish: Publish,
        sealer: Sealer | None,
        apps: Apps,
    ) -> None:
        self.producer = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))
        self._outbox, self._publish = outbox, publish
        self._started_ms = _now_ms()
        self._wire = RedisConnection(settings.redis_url)
        self._watch = LaunchWatch(self._wire, can_seal=sealer is not None)
        self._packer = RecordingPacker(settings, sealer)
        self._report = HookTelemetry(self._wire, settings, self.producer, interface, apps, seals=sealer is not None)
        self._lanes: dict[str, LaunchQueue] = {}
        self._backoff, self._ask_at_s = Backoff(first_s=0.2, cap_s=3.0), 0.0
        self._write_backoff, self._write_at_s = Backoff(first_s=0.1, cap_s=3.0), 0.0
        self._complaint = ErrorLog()
        self._thread = threading.Thread(target=self._run, name="darklaunch", daemon=True)
        self._leave = threading.Event()
        self._leave_by_s = float("inf")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, limit_s: float) -> None:
        """Let the thread write what waits and end; return after `limit_s` at the latest."""
        self._leave_by_s = monotonic() + limit_s
        self._leave.set()
        self._thread.join(limit_s)

    def _run(self) -> None:
        while not self._leave.is_set():
            self._guarded(self._turn)
        self._guarded(self._finish)
        self._wire.close()

    def _turn(self) -> None:
        self._round()
        self._leave.wait(self._pause_s())

    def _round(self) -> None:
        self._collect()
        if monotonic() < self._ask_at_s:
            return
        try:
            if self._watch.poll(monotonic()):
                self._recovered()
            self._obey()
            self._write(until_s=self._watch.poll_at_s)
        except RedisUnavailable as trouble:
            self._wait_out(trouble)

    def _write(self, until_s: float) -> None:
        """Write exchanges and the report. Where reading works and writing hangs, writing waits and reading goes on."""
        if monotonic() < self._write_at_s:
            return
        try:
            self._deliver(until_s)
            self._report.write(self._lanes.values(), self._watch.snapshot, self._packer.framework)
            self._write_backoff.reset()
        except NoReply as trouble:
            if self._write_backoff.failures == 0:
                log.warning("%s What was sent is sent again until it is answered.", trouble)
            self._write_at_s = monotonic() + self._write_backoff.next_s()

    def _finish(self) -> None:
        """Write what waits, then say goodbye; whatever does not get through in time is counted."""
        try:
            if not self._backoff.failures:
                self._deliver(until_s=self._leave_by_s - FAREWELL_S)
        except RedisUnavailable as trouble:
            log.debug("leaving without Redis: %s", trouble)
        self._collect()
        while len(self._outbox):
            self._collect()
        for lane in self._lanes.values():
            lane.close()
        crash_point("hook.5")
        if monotonic() < self._leave_by_s:
            try:
                self._report.close(self._lanes.values())
            except RedisUnavailable as trouble:
                log.debug("leaving without a last report: %s", trouble)

    def _collect(self) -> None:
        """Count what request threads left, and sort recordings into lanes."""
        self._obey()
        for launches, sampled, reason in self._outbox.take_notes():
            for name in launches:
                lane = self._lane(name)
                if not sampled:
                    lane.skipped[reason] += 1
                else:
                    lane.lose("redis_down" if reason == "outbox_full" and self._backoff.failures else reason)
        for recorded in self._outbox.take(TAKE_AT_ONCE):
            self._sort(recorded)

    def _sort(self, recorded: FinishedRecording) -> None:
        try:
            sample = self._packer.sample(recorded, self._outbox)
        except BaseException:  # it must not take those with it that were taken out together
            self._complaint.log("packing an exchange")
            self._outbox.release(recorded.held_bytes)
            for name in recorded.launches:
                self._lane(name).lose("bad_input")
            return
        for name in recorded.launches:
            self._lane(name).offer(sample)

    def _obey(self) -> None:
        """Follow the launches: what is stopped is dropped, what is unreadable for 30 s is off."""
        if self._watch.look(monotonic()):
            unknown = "redis_down" if self._backoff.failures else "paused"
            for name, lane in self._lanes.items():
                lane.obey(self._watch.states.get(name), unknown)
            self._report.hurry()
        self._publish(self, self._watch.snapshot)

    def _deliver(self, until_s: float) -> None:
        """Write batches, one of each launch in turn, until nothing waits or it is `until_s`. Raises Trouble."""
        sent = True
        while sent and monotonic() < until_s:
            self._collect()
            sent = False
            for lane in self._lanes.values():
                sent = self._send(lane) or sent

    def _send(self, lane: LaunchQueue) -> bool:
        """Try a lane's next batch; True when it was settled, so that there may be more. Raises Trouble."""
        batch = lane.next_batch(_now_ms()) if monotonic() >= lane.resume_at_s else None
        if batch is None:
            return False
        crash_point("hook.1")
        try:
            taken = int(call_script(self._wire, lane.admission(batch)))
        except NotSent:
            lane.refused("redis_down")
            raise
        except NoReply:
            lane.unanswered()
            raise
        except REPLIES as refusal:
            out_of_memory = isinstance(refusal, OutOfMemoryError) or "OOM " in str(refusal)
            lane.refused("oom" if out_of_memory else "redis_down")
            lane.resume_at_s = monotonic() + lane.backoff.next_s()
            if lane.backoff.failures == 1:
                log.warning("launch %s: Redis refuses exchanges: %s; they are dropped and counted", lane.name, refusal)
            return False
        crash_point("hook.2")
        lane.admitted(taken)
        crash_point("hook.3")
        lane.backoff.reset()
        return True

    def _lane(self, name: str) -> LaunchQueue:
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = LaunchQueue(self._watch.known[name], self.producer, self._started_ms)
            lane.obey(self._watch.states.get(name))
        return lane

    def _wait_out(self, trouble: RedisUnavailable) -> None:
        if self._backoff.failures == 0:
            log.warning("%s Nothing is lost to your users; sampling stops when this lasts for 30 s.", trouble)
        self._ask_at_s = monotonic() + self._backoff.next_s()
        self._watch.poll_at_s = 0.0

    def _recovered(self) -> None:
        if self._backoff.failures:
            log.warning("Redis answers again")
            self._backoff.reset()

    def _pause_s(self) -> float:
        if self._watch.snapshot.mirrors or any(lane.waiting for lane in self._lanes.values()):
            return FLUSH_S
        return min(POLL_S, max(FLUSH_S, max(self._watch.poll_at_s, self._ask_at_s) - monotonic()))

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except BaseException:  # nobody else's: this thread is the hook's, and without it nothing is written any more
            self._complaint.log("doing its work in the background")
            self._leave.wait(AFTER_ERROR_S)


def _now_ms() -> int:
    return time_ns() // 1_000_000
