"""`python -m darklaunch_console.healthy worker`: does this host's worker give signs of life? For containers' checks.

Exit code 0 when a process of that kind on this host was heard of on Redis within 15 s, 1 when not. When Redis cannot be
asked nobody knows, and the code is 0: the process waits for Redis by itself, and starting it again would help nobody.
What is wrong with the whole is `darklaunch doctor`'s business, not that of one process's health.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from typing import Final

from .cli.errors import EXIT_FAILED, EXIT_USAGE, BadUsage, ServerUnreachable
from .cli.settings import REDIS_DEFAULT, REDIS_VARIABLES, ConsoleSettings, ServerAddress
from .stores.processes import comparators_alive, workers_alive
from .stores.redis import open_redis

KINDS: Final = {"worker": workers_alive, "comparator": comparators_alive}


def check(kind: str, host: str, environ: Mapping[str, str]) -> tuple[int, str]:
    """Give the exit code and a line that says why."""
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
        return 0, f"nobody knows: {away}"
    return (0, f"{kind} alive: {own[0].id}") if own else (EXIT_FAILED, f"no {kind} of {host} was heard of within 15 s")


if __name__ == "__main__":
    code, line = check(sys.argv[1] if len(sys.argv) == 2 else "", socket.gethostname(), os.environ)
    sys.stdout.write(f"{line}\n")
    sys.exit(code)
