"""When the process of a worker or a comparator ends: told by a signal, or because the one that started it is gone."""

import asyncio
import logging
import os
import signal
from typing import Final, Protocol

PARENT_EVERY_S: Final = 1.0


class StopEvent(Protocol):
    """What is set when the process is to end: an event of asyncio's or anyio's."""

    def set(self) -> object:
        """Have the process end in good order."""
        ...

    def is_set(self) -> bool:
        """Say whether it was told to."""
        ...


async def watch_for_end(stop: StopEvent, parent: int, log: logging.Logger, doing: str) -> None:
    """Set `stop` at the first SIGTERM or SIGINT, or when the process `parent` (0: any) is not the parent any more.

    A second signal ends the process at once: what is pending will be claimed by others. `doing` says, for the log, what
    is done before the end. Runs until it is cancelled.
    """
    loop = asyncio.get_running_loop()

    def told(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        log.info("stopping: %s", doing)
        stop.set()

    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, told, number)
    try:
        while not parent or os.getppid() == parent:  # noqa: ASYNC110 (nothing but the id tells)
            await asyncio.sleep(PARENT_EVERY_S)
        log.warning("the parent process is gone: stopping")
        stop.set()
        await loop.create_future()
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
