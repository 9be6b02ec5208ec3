"""What the hook reports about itself: counters of each launch, a heartbeat, and the app's routes."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from time import monotonic, time_ns
from typing import Final

from darklaunch_shared import keys
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.presence import HEARTBEAT_S, heartbeat, own_version
from darklaunch_shared.redis.script_calls import call_script
from darklaunch_shared.wire.producer_counters import pack_counters

from darklaunch.capture.launch_snapshot import LaunchSnapshot
from darklaunch.routes.app_name import AppName
from darklaunch.settings import HookSettings

from .launch_queue import LaunchQueue
from .redis_connection import ERROR_REPLIES, RedisConnection
from .route_publisher import ListApps, RoutePublisher

log = logging.getLogger("darklaunch")

COUNTERS_INTERVAL_S: Final = 1.0

_VERSION: Final = own_version()  # at import, because the delivery thread must import nothing, see thread.py


class HookTelemetry:
    """Writes a heartbeat every 5 s, counters each second if they changed, and the app's routes each minute.

    Counters are absolute: a write that was lost is made good by the next one.
    """

    def __init__(
        self,
        redis: RedisConnection,
        settings: HookSettings,
        *,
        producer: str,
        interface: str,
        app_name: AppName,
        list_apps: ListApps,
        seals: bool,
    ) -> None:
        self._redis = redis
        self._producer = producer
        self._interface = interface
        self._app_name = app_name
        self._routes = RoutePublisher(redis, app_name, list_apps)
        self._key_names = {
            "seal_key": settings.seal_key.names[0] if seals else "",
            "signing_key": settings.signing_key.names[0] if settings.signing_key else "",
        }
        self._next_counters_s = 0.0
        self._next_heartbeat_s = 0.0
        self._refusal_logged = False

    def write_counters_soon(self) -> None:
        """Write the counters with the next `write_due`, although their second is not over."""
        self._next_counters_s = 0.0

    def write_due(self, queues: Iterable[LaunchQueue], snapshot: LaunchSnapshot, framework: str) -> None:
        """Write what is due. `framework` is "" while it is unknown. Raises RedisUnavailable."""
        now_s = monotonic()
        if now_s >= self._next_heartbeat_s:
            self._next_heartbeat_s = now_s + HEARTBEAT_S
            self._write_heartbeat(snapshot, framework or self._interface)
        if now_s >= self._next_counters_s:
            self._next_counters_s = now_s + COUNTERS_INTERVAL_S
            self._write_counters([queue for queue in queues if queue.has_unreported_counts()], closed=False)
        self._routes.publish_if_due()

    def close(self, queues: Iterable[LaunchQueue]) -> None:
        """Write the last counters, and remove the hook from the list of running processes. Raises RedisUnavailable."""
        self._write_counters([queue for queue in queues if queue.sampled or queue.skipped], closed=True)
        crash_point("hook.closed")
        self._redis.send_commands([("HDEL", keys.HOOKS, self._producer)])

    def _write_counters(self, queues: list[LaunchQueue], *, closed: bool) -> None:
        if not queues:
            return
        now_ms = time_ns() // 1_000_000
        replies = self._redis.send_commands(
            [
                ("HSET", keys.producers(queue.name, queue.shard), self._producer,
                 pack_counters(queue.build_counters(now_ms, closed=closed)))
                for queue in queues
            ]
        )  # fmt: skip
        for queue, reply in zip(queues, replies, strict=True):
            if isinstance(reply, Exception):
                self._log_refusal(reply)
            else:
                queue.mark_reported()
        crash_point("hook.counters_written")

    def _write_heartbeat(self, snapshot: LaunchSnapshot, framework: str) -> None:
        about = {
            "kind": "hook",
            "app": self._app_name.find(),
            "framework": framework,
            "version": _VERSION,
            "launches": [launch.name for launch in snapshot.sampling_launches],
            **self._key_names,
        }
        try:
            call_script(self._redis, heartbeat(keys.HOOKS, self._producer, about))
        except ERROR_REPLIES as error:
            self._log_refusal(error)

    def _log_refusal(self, error: Exception) -> None:
        if not self._refusal_logged:
            self._refusal_logged = True
            log.warning("darklaunch cannot report its counters and heartbeat: Redis refuses: %s", error)
