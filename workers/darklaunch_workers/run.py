"""Run a worker: watch the launches, work on each, record that it is alive, and stop in good order."""

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

from .admission.entry_keys import load_entry_keys
from .http import make_client
from .launch_runner import LaunchRunner
from .settings import WorkerSettings, as_environment

MAX_CONNECTIONS: Final = 1024
SIGN_OFF_S: Final = 2.0

log = logging.getLogger("darklaunch.worker")


def run_worker(settings: WorkerSettings) -> int:
    """Run until SIGTERM or SIGINT, and return the exit code. A second signal ends the process at once.

    With more than one process, this one only keeps its children running.
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
    make_client(parse_origin("http://localhost"), slots=1, kind=settings.client)  # to fail before anything is taken
    load_entry_keys(settings)
    identity = make_identity()
    redis = connect_async(settings.redis_url, client_name="darklaunch-worker", max_connections=MAX_CONNECTIONS)
    runners: dict[str, LaunchRunner] = {}
    poller = LaunchPoller(redis, log)
    presence = ProcessPresence(redis, keys.WORKERS, identity, lambda: _describe(settings, runners), log)

    def make_runner(launch: str) -> LaunchRunner:
        return LaunchRunner(launch, redis=redis, poller=poller, presence=presence, settings=settings, identity=identity)

    try:
        await poller.poll()
        async with anyio.create_task_group() as upkeep:
            upkeep.start_soon(poller.run)
            upkeep.start_soon(presence.run)
            await _run_launches(runners, poller, stop, make_runner)
            upkeep.cancel_scope.cancel()
    finally:
        with anyio.move_on_after(SIGN_OFF_S, shield=True):
            await presence.sign_off()
        with anyio.move_on_after(SIGN_OFF_S, shield=True):
            await redis.aclose()


async def _run_launches(
    runners: dict[str, LaunchRunner],
    poller: LaunchPoller,
    stop: StopEvent,
    make_runner: Callable[[str], LaunchRunner],
) -> None:
    """Start a runner for each launch that appears, stop it when the launch is gone, and stop all at the end."""

    async def run(launch: str) -> None:
        try:
            await runners[launch].run()
        finally:
            del runners[launch]

    async with anyio.create_task_group() as work:
        while not stop.is_set():
            for launch in poller.names - runners.keys():
                runners[launch] = make_runner(launch)
                work.start_soon(run, launch)
            for launch in runners.keys() - poller.names:
                runners[launch].stop()
            with anyio.move_on_after(POLL_S):
                await stop.wait()
        for runner in runners.values():
            runner.stop()


def _describe(settings: WorkerSettings, runners: dict[str, LaunchRunner]) -> dict[str, Any]:
    """Describe this process for its heartbeat."""
    client = settings.client
    if client == "auto":
        client = "fast" if find_spec("httptools") else "httpx"
    return {
        "kind": "worker",
        "name": settings.name,
        "version": own_version(),
        "client": client,
        "seal_keys": parse_keys(settings.seal_key).names,
        "signing_keys": parse_keys(settings.signing_key).names,
        "replayed": sum(runner.replayed for runner in runners.values()),
        "launches": {launch: runner.describe() for launch, runner in runners.items()},
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
