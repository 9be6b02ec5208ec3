"""The log of commands that run a part: one line each on stderr, with time, process and message."""

from __future__ import annotations

import logging
import os

from darklaunch_shared.process.safe_logging import configure_logging


def log_to_stderr(name: str) -> None:
    """Send this process's log to stderr, under a name: `14:02:11 worker-1 INFO …`."""
    level = logging.DEBUG if os.environ.get("DARKLAUNCH_DEBUG") else logging.INFO
    configure_logging(level, f"%(asctime)s {name} %(levelname)s %(message)s", "%H:%M:%S")
    for chatty in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
