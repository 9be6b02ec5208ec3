"""Keep an embedded server running: started again once it has ended, unless it ends again soon."""

from __future__ import annotations

import logging
import time
from typing import Final

from darklaunch_console.embedded import ServerProcess
from darklaunch_console.errors import ConsoleError

PAUSE_S: Final = 1.0
"""Until a server is started again: what it left behind, such as Postgres' own children, needs a moment to end."""
STEADY_S: Final = 60.0
"""A server that ends twice within this time has a fault that starting it again does not repair."""

log = logging.getLogger("darklaunch.console")


class ServerKeeper:
    """Watches one server. Its data and its address stay the same when it is started again."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._due_s: float | None = None
        self._last_end_s: float | None = None

    def watch(self) -> None:
        """Start the server again if it has ended. Raises ConsoleError if it ended before, within a minute."""
        code = self._server.exit_code()
        if code is None:
            return
        now_s = time.monotonic()
        if self._due_s is None:
            if self._last_end_s is not None and now_s - self._last_end_s < STEADY_S:
                raise ConsoleError(
                    f"{self._server.name} ended twice within a minute, the last time with code {code}. Its log, "
                    f"{self._server.log_path}, ends:{self._server.log_tail()}"
                )
            self._last_end_s = now_s
            self._due_s = now_s + PAUSE_S
            log.error("%s ended with code %d; starting it again, with its data", self._server.name, code)
        elif now_s >= self._due_s:
            self._due_s = None
            self._server.restart()
