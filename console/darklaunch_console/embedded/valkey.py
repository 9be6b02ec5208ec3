"""An embedded Valkey: one `valkey-server` process on a loopback port, with a password."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .access import ServerAccess, read_access, write_access
from .account import ServerAccount
from .errors import DidNotStart
from .homes import ServersDir
from .ports import ATTEMPTS, LOOPBACK, free_port, port_was_taken
from .process import ServerProcess, explain_failed_start, start_process, wait_until

READY_LIMIT_S = 60.0
"""Loading a large append-only file takes a while."""
STOP_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Valkey:
    """A running Valkey: its URL (with the password), its process, its directory."""

    url: str
    port: int
    process: ServerProcess
    path: Path


def render_configuration(access: ServerAccess, *, keep: bool) -> bytes:
    """Return the configuration, as lines. It goes through stdin: the password is in no argument and no file."""
    lines = [
        f"bind {LOOPBACK}",
        f"port {access.port}",
        f"requirepass {access.password}",
        "protected-mode yes",
        "daemonize no",
        'logfile ""',
        "maxmemory-policy noeviction",
        'save ""',
        *(["appendonly yes", "appendfsync everysec"] if keep else ["appendonly no", "enable-debug-command local"]),
    ]
    return "".join(f"{line}\n" for line in lines).encode()


@contextlib.contextmanager
def serve_valkey(
    program: Path, servers_dir: ServersDir, account: ServerAccount, *, extra: Sequence[str] = ()
) -> Generator[Valkey]:
    """Run a Valkey below `servers_dir` until the block ends; `extra` are more lines of configuration.

    Raises DidNotStart with the last lines of its log.
    """
    directory = servers_dir.subdirectory("valkey", account)
    log_path = servers_dir.new_log("valkey")
    access_path = servers_dir.path / "valkey.json"
    access = read_access(access_path)
    for _ in range(ATTEMPTS):
        access = replace(access, port=free_port(access.port))
        config = render_configuration(access, keep=servers_dir.keep)
        process = start_process(
            "Valkey",
            [str(program), "-"],
            cwd=directory,
            log_path=log_path,
            account=account,
            # With data to keep: SIGTERM, so that the append-only file is flushed.
            death_signal=signal.SIGTERM if servers_dir.keep else signal.SIGKILL,
            stdin=config + "".join(f"{line}\n" for line in extra).encode(),
            keep_fds=[servers_dir.servers_lock],
        )
        try:
            if wait_until(partial(_answers, access, process), process, READY_LIMIT_S):
                write_access(access_path, access)
                yield Valkey(f"redis://:{access.password}@{LOOPBACK}:{access.port}/0", access.port, process, directory)
                return
            if not port_was_taken(process.log()):
                raise explain_failed_start(process, READY_LIMIT_S)
        finally:
            process.stop(signal.SIGTERM, STOP_LIMIT_S)
        access = replace(access, port=0)
    raise DidNotStart(f"Valkey found no free port on {LOOPBACK} in {ATTEMPTS} attempts.")


def _answers(access: ServerAccess, process: ServerProcess) -> bool:
    client = redis.Redis(
        host=LOOPBACK,
        port=access.port,
        password=access.password,
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 0),
    )
    with client:
        try:
            about: dict[str, Any] = client.info()  # pyright: ignore[reportUnknownMemberType]
            # Not only PONG: another program may have taken the port, and data to load makes it refuse commands.
            return int(about["process_id"]) == process.pid and not int(about["loading"])
        except redis.RedisError:
            return False
