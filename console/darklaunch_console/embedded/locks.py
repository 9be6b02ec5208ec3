"""Who has a servers directory: two advisory locks (flock), which the kernel frees however a process ends.

`owner.lock` is held by the process that started the servers. `servers.lock` is inherited by the servers and their
children, so that it is free only when the last of them is gone: after a kill -9 the next start waits for the old
servers to finish dying, and needs no guess from pid files, whose numbers a restarted container gives out again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path

from .errors import HomeInUse

OWNER_GRACE_S = 0.5
"""Who only asks whether the directory is in use holds the lock for an instant."""


@dataclass(frozen=True, slots=True)
class Locks:
    """Two open file descriptors that hold the locks; servers must inherit `servers`."""

    owner: int
    servers: int

    def release(self) -> None:
        os.close(self.servers)
        os.close(self.owner)


def acquire_locks(directory: Path, old_servers_limit_s: float, *, owner_limit_s: float = OWNER_GRACE_S) -> Locks:
    """Acquire both locks of a directory, waiting for its owner and for servers of an earlier run to end.

    Raises HomeInUse when another run has it, or its servers outlive the limit; OSError when there can be no lock.
    """
    with contextlib.ExitStack() as undo:
        owner = os.open(directory / "owner.lock", os.O_RDWR | os.O_CREAT, 0o600)
        undo.callback(os.close, owner)
        if not _lock(owner, owner_limit_s):
            holder = os.pread(owner, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise HomeInUse(
                f"{directory} is in use by another run (pid {holder}). "
                "Stop that one first, or set DARKLAUNCH_HOME to another directory."
            )
        os.ftruncate(owner, 0)
        os.pwrite(owner, f"{os.getpid()}\n".encode(), 0)
        servers = os.open(directory / "servers.lock", os.O_RDWR | os.O_CREAT, 0o600)
        undo.callback(os.close, servers)
        if not _lock(servers, old_servers_limit_s):
            raise HomeInUse(
                f"Servers of an earlier run still use {directory}. "
                f"End them (fuser {directory}/servers.lock shows their pids), then start again."
            )
        undo.pop_all()
        return Locks(owner, servers)


def is_owned(directory: Path) -> bool:
    """Return whether a run has the directory right now."""
    try:
        owner = os.open(directory / "owner.lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _lock(owner, 0.0)
    finally:
        os.close(owner)


def _lock(fd: int, limit_s: float) -> bool:
    give_up = time.monotonic() + limit_s
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up:
                return False
            time.sleep(0.02)
        else:
            return True
