"""Run a worker: watch the launches, keep a crew at work on each, say that it is alive, and stop in good order."""

import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any, Final

import anyio
from darklaunch_shared import keys
from darklaunch_shared.crypto.keyring import parse_keys
from darklaunch_shared.launch.origin import parse_origin
from darklaunch_shared.launch.states import POLL_S
from darklaunch_shared.process.gc_tuning import freeze_startup_objects
from darklaunch_shared.process.shutdown import StopEvent, run_service
from darklaunch_shared.process.supervisor import SupervisedProcess, run_children
from darklaunch_shared.redis.client import connect_async
from darklaunch_shared.redis.control_poller import LaunchPoller
from darklaunch_shared.redis.presence import ProcessPresence, make_identity, own_version

from .entry_keys import secrets_of
from .http import make_client
from .launch_runner import LaunchRunner
from .settings import WorkerSettings, as_environment

MAX_CONNECTIONS: Final = 1024
SIGN_OFF_S: Final = 2.0

log = logging.getLogger("darklaunch.worker")


def run_worker(settings: WorkerSettings) -> int:
    """Run until SIGTERM or SIGINT, and return the exit code. A second signal ends the process at once.

    With more than one process, this one only looks after its children.
    """
    if settings.processes > 1:
        return _run_children(settings)
    freeze_startup_objects()
    return run_service(
        partial(serve, settings), parent=settings.parent, log=log, last_work="finishing what is under way"
    )


async def serve(settings: WorkerSettings, stop: StopEvent) -> None:
    """Replay exchanges until `stop` is set and what is under way has ended.

    Raises NoFastClient when the settings ask for a client that is not installed, BadKey for a key that cannot be used,
    ValueError for a bad Redis URL.
    """
    make_client(parse_origin("http://localhost"), slots=1, kind=settings.client)
    secrets_of(settings)
    identity = make_identity()
    redis = connect_async(settings.redis_url, client_name="darklaunch-worker", max_connections=MAX_CONNECTIONS)
    crews: dict[str, LaunchRunner] = {}
    control = LaunchPoller(redis, log)
    presence = ProcessPresence(redis, keys.WORKERS, identity, lambda: _about(settings, crews), log)
    try:
        await control.poll()
        async with anyio.create_task_group() as upkeep:
            upkeep.start_soon(control.run)
            upkeep.start_soon(presence.run)
            await _keep_crews(
                crews, control, stop, lambda launch: LaunchRunner(launch, redis, control, presence, settings, identity)
            )
            upkeep.cancel_scope.cancel()
    finally:
        with anyio.move_on_after(SIGN_OFF_S, shield=True):
            await presence.sign_off()
        with anyio.move_on_after(SIGN_OFF_S, shield=True):
            await redis.aclose()


async def _keep_crews(
    crews: dict[str, LaunchRunner], control: LaunchPoller, stop: StopEvent, make_crew: Callable[[str], LaunchRunner]
) -> None:
    """Start a crew for each launch that appears, stop it when the launch is gone, and stop all at the end."""

    async def work(launch: str) -> None:
        try:
            await crews[launch].run()
        finally:
            del crews[launch]

    async with anyio.create_task_group() as at_work:
        while not stop.is_set():
            for launch in control.names - crews.keys():
                crews[launch] = make_crew(launch)
                at_work.start_soon(work, launch)
            for launch in crews.keys() - control.names:
                crews[launch].stop()
            with anyio.move_on_after(POLL_S):
                await stop.wait()
        for crew in crews.values():
            crew.stop()


def _about(settings: WorkerSettings, crews: dict[str, LaunchRunner]) -> dict[str, Any]:
    client = settings.client
    if client == "auto":
        client = "fast" if find_spec("httptools") else "httpx"
    return {
        "kind": "worker",
        "version": own_version(),
        "client": client,
        "seal_keys": parse_keys(settings.seal_key).names,
        "signing_keys": parse_keys(settings.signing_key).names,
        "replayed": sum(crew.replayed for crew in crews.values()),
        "launches": {launch: crew.about() for launch, crew in crews.items()},
    }


def _run_children(settings: WorkerSettings) -> int:
    """Run `settings.processes` workers as children until a signal stops them, or each has ended well by itself."""
    environment = as_environment(settings.model_copy(update={"processes": 1, "parent": os.getpid()}))
    return run_children(
        [
            SupervisedProcess(
                name=f"worker process {number}",
                command=(sys.executable, "-m", "darklaunch_workers"),
                environment=environment,
                restart_after_success=False,
            )
            for number in range(1, settings.processes + 1)
        ]
    )
