"""The clock that every peer is measured with: from the first message worked on to the last."""

import json
import os
import sys
import threading
import time

PAYLOAD = "x" * 2_000


class Clock:
    """Counts messages; prints the figures and ends the process at the last one."""

    def __init__(self, messages: int) -> None:
        self._messages, self._done = messages, 0
        self._counting = threading.Lock()
        self._began_s = self._cpu_s = 0.0

    def tick(self) -> None:
        """Count one message."""
        with self._counting:
            if self._done == 0:
                self._began_s, self._cpu_s = time.perf_counter(), time.process_time()
            self._done += 1
            if self._done == self._messages:
                took_s, cpu_s = time.perf_counter() - self._began_s, time.process_time() - self._cpu_s
                told = {"messages": self._messages - 1, "seconds": took_s, "cpu_s": cpu_s}
                os.write(1, json.dumps(told).encode() + b"\n")  # some queues take sys.stdout for themselves
                os._exit(0)


def arguments() -> tuple[str, int]:
    """Read the Redis URL and the number of messages."""
    return sys.argv[1], int(sys.argv[2])
