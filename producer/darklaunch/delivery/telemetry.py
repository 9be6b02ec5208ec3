"""What the hook says of itself: counters of each launch, and that it is alive."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from sys import argv
from time import monotonic, time_ns
from typing import Final

from darklaunch_shared import keys
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.presence import HEARTBEAT_S, heartbeat, own_version
from darklaunch_shared.redis.script_calls import call_script
from darklaunch_shared.wire.producer_counters import pack_counters

from darklaunch.capture.launch_snapshot import LaunchSnapshot
from darklaunch.settings import HookSettings

from .launch_queue import LaunchQueue
from .redis_connection import REPLIES, RedisConnection
from .route_publisher import Apps, RoutePublisher

log = logging.getLogger("darklaunch")

COUNTERS_S: Final = 1.0


class HookTelemetry:
    """Writes absolute counters when they changed, each second, a heartbeat every 5 s, and the app's routes."""

    def __init__(
        self, wire: RedisConnection, settings: HookSettings, producer: str, interface: str, apps: Apps, *, seals: bool
    ) -> None:
        self._wire, self._producer, self._interface = wire, producer, interface
        self._app_name = settings.app_name or Path(argv[0] if argv else "").name
        self._routes = RoutePublisher(wire, self._app_name, apps)
        self._keys = {
            "seal_key": settings.seal_key.names[0] if seals else "",
            "signing_key": settings.signing_key.names[0] if settings.signing_key else "",
        }
        self._count_at_s = self._beat_at_s = 0.0
        self._refused = False

    def hurry(self) -> None:
        """Write the counters next time, without waiting for their turn."""
        self._count_at_s = 0.0

    def write(self, lanes: Iterable[LaunchQueue], snapshot: LaunchSnapshot, framework: str) -> None:
        """Write what is due. Raises Trouble."""
        now_s = monotonic()
        if now_s >= self._beat_at_s:
            self._beat_at_s = now_s + HEARTBEAT_S
            self._beat(snapshot, framework or self._interface)
        if now_s >= self._count_at_s:
            self._count_at_s = now_s + COUNTERS_S
            self._count([lane for lane in lanes if lane.changed()], closed=False)
        self._routes.write()

    def close(self, lanes: Iterable[LaunchQueue]) -> None:
        """Write the last counters and leave the list of the living. Raises Trouble."""
        self._count([lane for lane in lanes if lane.sampled or lane.skipped], closed=True)
        crash_point("hook.6")
        self._wire.ask([("HDEL", keys.HOOKS, self._producer)])

    def _count(self, lanes: list[LaunchQueue], *, closed: bool) -> None:
        if not lanes:
            return
        now_ms = time_ns() // 1_000_000
        replies = self._wire.ask(
            [
                ("HSET", keys.producers(lane.name, lane.shard), self._producer,
                 pack_counters(lane.counters(now_ms, closed=closed)))
                for lane in lanes
            ]
        )  # fmt: skip
        for lane, reply in zip(lanes, replies, strict=True):
            if isinstance(reply, Exception):
                self._complain(reply)
            else:
                lane.reported()
        crash_point("hook.4")

    def _beat(self, snapshot: LaunchSnapshot, framework: str) -> None:
        about = {
            "kind": "hook",
            "app": self._app_name,
            "framework": framework,
            "version": _VERSION,
            "launches": [mirror.name for mirror in snapshot.mirrors],
            **self._keys,
        }
        try:
            call_script(self._wire, heartbeat(keys.HOOKS, self._producer, about))
        except REPLIES as refusal:
            self._complain(refusal)

    def _complain(self, refusal: Exception) -> None:
        if not self._refused:
            self._refused = True
            log.warning("Redis refuses the hook's report of itself: %s", refusal)


_VERSION: Final = own_version()  # not later: the thread must import nothing, see flusher
