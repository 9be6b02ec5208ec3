"""Many worker processes under one command: start them, pass signals on, start again those that died."""

import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Final

import anyio
from anyio.abc import Process
from darklaunch_shared.process.backoff import Backoff

from .settings import WorkerSettings, as_environment

RESTART_FIRST_S: Final = 0.5
RESTART_CAP_S: Final = 30.0
STEADY_S: Final = 60.0

log = logging.getLogger("darklaunch.worker")


async def oversee(settings: WorkerSettings) -> int:
    """Run `settings.processes` workers until all have ended, and return 0 when each ended well.

    A child that ends with an error is started again, later each time, until a signal says to stop. Children have
    sessions of their own, so that Ctrl-C in a terminal reaches them once, through this process.
    """
    children: dict[int, Process] = {}
    codes: list[int] = []
    stopping = anyio.Event()
    single = settings.model_copy(update={"processes": 1, "parent": os.getpid()})
    environment = {**os.environ, **as_environment(single)}

    async def keep_one() -> None:
        backoff = Backoff(RESTART_FIRST_S, RESTART_CAP_S)
        while True:
            started_s = time.monotonic()
            code = await _run_child(environment, children, stopping)
            if code == 0 or stopping.is_set():
                codes.append(code)
                return
            if time.monotonic() - started_s > STEADY_S:
                backoff.reset()
            pause_s = backoff.next_s()
            log.error("a worker process ended with code %d; starting another in %.1f s", code, pause_s)
            with anyio.move_on_after(pause_s):
                await stopping.wait()
                codes.append(0)
                return

    async with anyio.create_task_group() as watch:
        watch.start_soon(_pass_signals_on, children, stopping)
        async with anyio.create_task_group() as running:
            for _ in range(settings.processes):
                running.start_soon(keep_one)
        watch.cancel_scope.cancel()
    return 0 if all(code == 0 for code in codes) else 1


async def _run_child(environment: dict[str, str], children: dict[int, Process], stopping: anyio.Event) -> int:
    command = [sys.executable, "-m", "darklaunch_workers"]
    process = await anyio.open_process(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=None, stderr=None, start_new_session=True
    )
    async with process:
        children[process.pid] = process
        try:
            if stopping.is_set():
                process.terminate()
            return await process.wait()
        finally:
            del children[process.pid]


async def _pass_signals_on(children: dict[int, Process], stopping: anyio.Event) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            stopping.set()
            for process in list(children.values()):
                with suppress(ProcessLookupError):  # it ended by itself just now
                    process.send_signal(number)
