"""The recorders of this process: one for each set of options and interface, shared by the hooks that have them.

A recorder starts its delivery thread with the first request or the server's start-up, never at import, so that a server
may fork first. A forked child starts over; at exit each recorder sends what waits.
"""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from darklaunch_shared.crypto.sealing import Sealer
from darklaunch_shared.errors import BadKey
from darklaunch_shared.wire.producer_counters import ProducerCounters

from .capture.launch_snapshot import LaunchSnapshot, select_launch
from .capture.recorder import CaptureRecorder
from .delivery.known_promotions import PROMOTIONS
from .delivery.thread import NOTHING_RESUMED, DeliveryThread
from .errors import BadSetting
from .settings import HookSettings, read_settings

log = logging.getLogger("darklaunch")

_recorders: dict[tuple[HookSettings, str], CaptureRecorder] = {}
_visitors: list[Callable[[CaptureRecorder], None]] = []


def get_recorder(options: Mapping[str, Any], interface: str, hook: object) -> CaptureRecorder:
    """Return the recorder for these options and add the hook to it. `interface` is "asgi", "wsgi" or
    the framework that the hook is in.

    Raises nothing: with wrong options, or without a Redis URL, the recorder captures nothing, and a log line says why.
    """
    try:
        settings = read_settings(options)
    except BadSetting as error:
        log.error("darklaunch is off: %s", error)
        settings = HookSettings()
    except Exception:
        log.exception("darklaunch is off: its options could not be read")
        settings = HookSettings()
    else:
        if not settings.redis_url and (settings, interface) not in _recorders:
            log.warning("darklaunch captures nothing: DARKLAUNCH_REDIS_URL is not set; it still times replays")
    PROMOTIONS.always_promote(settings.promoted)
    recorder = _recorders.get((settings, interface))
    if recorder is None:
        recorder = _recorders.setdefault((settings, interface), _create_recorder(settings, interface))
    recorder.hooks.add(hook)
    for visit in _visitors:
        visit(recorder)
    return recorder


def open_launch_recorder(
    settings: HookSettings, launch: str, resumed: ProducerCounters | None
) -> tuple[CaptureRecorder, DeliveryThread]:
    """Start a recorder of its own that records for one launch only, for requests out of a file.

    `resumed` are the counters of a producer that ended: this one goes on as it, see DeliveryThread.
    """
    threads: list[DeliveryThread] = []

    def create_thread(recorder: CaptureRecorder) -> DeliveryThread:
        def publish(thread: DeliveryThread, snapshot: LaunchSnapshot) -> None:
            recorder.publish_snapshot(thread, select_launch(snapshot, launch))

        threads.append(
            DeliveryThread(
                settings,
                "import",
                recorder.buffer,
                publish=publish,
                sealer=_create_sealer(settings),
                list_apps=list,
                resumed={launch: resumed} if resumed else NOTHING_RESUMED,
            )
        )
        return threads[0]

    recorder = CaptureRecorder(settings, create_thread)
    recorder.start()
    return recorder, threads[0]


def list_recorders() -> list[CaptureRecorder]:
    """Return all recorders of the process."""
    return list(_recorders.values())


@contextmanager
def visit_recorders(visit: Callable[[CaptureRecorder], None]) -> Generator[None]:
    """Call `visit` with each recorder: with those that exist, and with new ones until the block ends."""
    _visitors.append(visit)
    try:
        for recorder in list_recorders():
            visit(recorder)
        yield
    finally:
        _visitors.remove(visit)


def _create_recorder(settings: HookSettings, interface: str) -> CaptureRecorder:
    sealer = _create_sealer(settings)  # now, not in the delivery thread, which must import nothing

    def create_thread(recorder: CaptureRecorder) -> DeliveryThread:
        return DeliveryThread(
            settings,
            interface,
            recorder.buffer,
            publish=recorder.publish_snapshot,
            sealer=sealer,
            list_apps=lambda: list(recorder.hooks),
        )

    return CaptureRecorder(settings, create_thread)


def _create_sealer(settings: HookSettings) -> Sealer | None:
    try:
        return Sealer(settings.seal_key) if settings.seal_key and settings.redis_url else None
    except BadKey as error:
        log.error("darklaunch does not sample launches that seal credentials: %s", error)
        return None


def _stop_all() -> None:
    for recorder in list_recorders():
        with suppress(Exception):
            recorder.stop(for_good=True)


def _reset_all() -> None:
    for recorder in list_recorders():
        recorder.reset_after_fork()


atexit.register(_stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all)
