"""Where the kept servers are, for other commands of the same user while `up` runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from .access import write_private
from .homes import ServersDir, kept_dir_path
from .locks import is_owned

FILE = "running.json"


@dataclass(frozen=True, slots=True)
class RunningServers:
    """The URLs of embedded servers that run now; None for a store that is not embedded."""

    redis_url: str | None
    postgres_url: str | None


def write_running(servers_dir: ServersDir, addresses: RunningServers) -> None:
    """Write the addresses where `running_servers` finds them; only this user can read them."""
    write_private(servers_dir.path / FILE, json.dumps(asdict(addresses)).encode())


def remove_running(servers_dir: ServersDir) -> None:
    """Delete the addresses: the servers do not run any more."""
    (servers_dir.path / FILE).unlink(missing_ok=True)


def read_running(home: Path) -> RunningServers | None:
    """Return the addresses of the servers that another process keeps running in `home`, or None."""
    path = kept_dir_path(home)
    try:
        if not is_owned(path):
            return None  # what a killed run left says nothing
        return RunningServers(**json.loads((path / FILE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
