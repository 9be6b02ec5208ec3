"""How the process of a worker or a comparator ends: by a signal, or because its parent process is gone."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Generator
from importlib.util import find_spec
from types import FrameType
from typing import Final, Protocol

PARENT_EVERY_S: Final = 1.0
STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class StopEvent(Protocol):
    """The event that asks a service to end in good order; asyncio's and anyio's events fit."""

    def set(self) -> object:
        """Ask the service to end."""
        ...

    def is_set(self) -> bool:
        """True if the service was asked to end."""
        ...

    async def wait(self) -> object:
        """Wait until the service is asked to end."""
        ...


def run_service(
    serve: Callable[[StopEvent], Awaitable[None]], *, parent: int, log: logging.Logger, last_work: str
) -> int:
    """Run `serve` until it returns, and return exit code 0. Uses uvloop when it is installed.

    Sets the event that `serve` gets at the first SIGTERM or SIGINT, or when the process `parent` (0: none) is no longer
    the parent. A second signal ends the process at once: what is pending on Redis will be claimed by others.
    `last_work` is what the log says is done before the end. Must be called in the main thread.
    """
    with asyncio.Runner(loop_factory=_event_loop_factory()) as runner:
        runner.run(_serve_until_stopped(serve, parent, log, last_work))
    return 0


@contextlib.contextmanager
def handle_stop_signals(handle: Callable[[int, FrameType | None], None]) -> Generator[None]:
    """Call `handle` at each SIGTERM and SIGINT during the block. Must be called in the main thread."""
    previous_handlers = {number: signal.signal(number, handle) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)


async def _serve_until_stopped(
    serve: Callable[[StopEvent], Awaitable[None]], parent: int, log: logging.Logger, last_work: str
) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def handle_signal(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        log.info("stopping: %s", last_work)
        stop.set()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, handle_signal, number)
    watch = asyncio.create_task(_stop_without_parent(stop, parent, log)) if parent else None
    try:
        await serve(stop)
    finally:
        if watch is not None:
            watch.cancel()
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


async def _stop_without_parent(stop: StopEvent, parent: int, log: logging.Logger) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 (the kernel tells nobody that a parent has ended)
        await asyncio.sleep(PARENT_EVERY_S)
    log.warning("the parent process is gone: stopping")
    stop.set()


def _event_loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if find_spec("uvloop") is None:
        return None
    import uvloop

    return uvloop.new_event_loop
