"""Health check for containers: `python -m darklaunch_console.healthcheck worker` (or `comparator`).

Exit code 0 when a process of that kind on this host wrote a heartbeat to Redis within the last 15 s, 1 when none did.
When Redis cannot be reached the code is 0 too: the process reconnects by itself, so restarting it would not help.
`darklaunch doctor` checks the pipeline as a whole.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from typing import Final

from .errors import EXIT_FAILED, EXIT_USAGE, BadUsage, ServerUnreachable
from .settings import REDIS_DEFAULT, REDIS_VARIABLES, ConsoleSettings, ServerAddress
from .stores.processes import list_live_comparators, list_live_workers
from .stores.redis import open_redis

KINDS: Final = {"worker": list_live_workers, "comparator": list_live_comparators}


def check_health(kind: str, host: str, environ: Mapping[str, str]) -> tuple[int, str]:
    """Return the exit code and a line that says why."""
    if kind not in KINDS:
        return EXIT_USAGE, f"say which kind of process: {' or '.join(KINDS)}"
    name = next((name for name in REDIS_VARIABLES if environ.get(name)), "")
    address = ServerAddress(environ[name] if name else REDIS_DEFAULT, name)
    try:
        with open_redis(ConsoleSettings(address, None)) as redis:
            own = [process for process in KINDS[kind](redis) if process.about.get("host") == host]
    except BadUsage as wrong:
        return EXIT_USAGE, str(wrong)
    except ServerUnreachable as away:
        return 0, f"unknown: {away}"
    return (0, f"{kind} alive: {own[0].id}") if own else (EXIT_FAILED, f"no {kind} of {host} has reported within 15 s")


if __name__ == "__main__":
    code, line = check_health(sys.argv[1] if len(sys.argv) == 2 else "", socket.gethostname(), os.environ)
    sys.stdout.write(f"{line}\n")
    sys.exit(code)
