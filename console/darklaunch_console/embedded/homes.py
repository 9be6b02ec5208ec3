"""Directories: where servers keep their data, who may use them, and how leftovers go away.

    HOME/install/NAME-VERSION/     a copy of binaries the server's user could not reach otherwise
    HOME/servers/                  what `up` keeps
    TMP/darklaunch-servers-XXXX/   what a demo or a test throws away

A servers directory carries two locks. `owner.lock` is held by the process that started the servers and says who has
the directory. `servers.lock` is inherited by the servers, so that it is free only when the last of them is gone: after
a kill -9 the next start waits for the old servers to finish dying, and needs no guess about stale pid files.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .account import Account
from .errors import EmbeddedError, HomeInUse

PREFIX = "darklaunch-servers-"
OLD_SERVERS_LIMIT_S = 20.0
UNLOCKED_LEFTOVER_AGE_S = 3600.0


@dataclass(frozen=True, slots=True)
class ServersDir:
    """A directory that is ours: its path, whether its data is kept, and the lock the servers inherit."""

    path: Path
    keep: bool
    servers_lock: int


def default_home(environ: Mapping[str, str]) -> Path:
    """Return DARKLAUNCH_HOME, or the per-user data directory; for root one that an unprivileged user can reach."""
    if chosen := environ.get("DARKLAUNCH_HOME"):
        return Path(chosen).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/darklaunch")
    data_home = environ.get("XDG_DATA_HOME", "")
    if Path(data_home).is_absolute():  # the XDG specification: a relative path is to be ignored
        return Path(data_home) / "darklaunch"
    try:
        return Path.home() / ".local/share/darklaunch"
    except RuntimeError:
        raise EmbeddedError("This user has no home directory. Set DARKLAUNCH_HOME to a directory for data.") from None


@contextlib.contextmanager
def kept(home: Path, account: Account) -> Generator[ServersDir]:
    """Take the kept servers directory of a home, creating it when missing.

    Raises HomeInUse when another run has it.
    """
    path = home / "servers"
    try:
        if not home.exists():
            home.mkdir(parents=True, mode=0o755)
            if account.drop:
                home.chmod(0o755)  # whatever the umask: the servers' user must get through
        path.mkdir(exist_ok=True, mode=0o700)
        if account.drop:
            path.chmod(0o711)
        if obstacle := account.obstacle(path):
            raise EmbeddedError(
                f"The servers run as uid {account.uid}, which cannot reach {path} because of {obstacle}. "
                "Set DARKLAUNCH_HOME to a directory it can reach."
            )
        with _locked(path, OLD_SERVERS_LIMIT_S) as servers_lock:
            yield ServersDir(path, True, servers_lock)
    except PermissionError as error:
        raise EmbeddedError(
            f"Cannot keep data in {path}: {error}. Set DARKLAUNCH_HOME to a directory of yours."
        ) from error


@contextlib.contextmanager
def throwaway(account: Account) -> Generator[ServersDir]:
    """Make a fresh servers directory that goes away at the end, and remove those that killed runs left behind."""
    parent = _temporary_parent(account)
    sweep(parent)
    path = parent / f"{PREFIX}{secrets.token_hex(6)}"
    path.mkdir(mode=0o700)
    try:
        if account.drop:
            path.chmod(0o711)
        with _locked(path, OLD_SERVERS_LIMIT_S) as servers_lock:
            yield ServersDir(path, False, servers_lock)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Remove throw-away directories of ours whose owner and servers are gone."""
    for path in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, HomeInUse):
            status = path.lstat()
            if not path.is_dir() or path.is_symlink() or status.st_uid != os.geteuid():
                continue
            if (path / "owner.lock").exists():
                with _locked(path, 0.0):
                    shutil.rmtree(path, ignore_errors=True)
            elif time.time() - status.st_mtime > UNLOCKED_LEFTOVER_AGE_S:  # younger: its owner is about to lock it
                shutil.rmtree(path, ignore_errors=True)


def _temporary_parent(account: Account) -> Path:
    for candidate in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - names below are unguessable, mode 700
        path = Path(candidate)
        if path.is_dir() and os.access(path, os.W_OK | os.X_OK) and account.may_reach(path):
            return path
    raise EmbeddedError(
        f"Uid {account.uid} can reach no temporary directory (tried {tempfile.gettempdir()}, /tmp and /var/tmp). "
        "Set TMPDIR to one it can."
    )


@contextlib.contextmanager
def _locked(path: Path, old_servers_limit_s: float) -> Generator[int]:
    owner = os.open(path / "owner.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _try_lock(owner):
            holder = os.pread(owner, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise HomeInUse(
                f"{path} is in use by another run (pid {holder}). Stop that one first, "
                "or set DARKLAUNCH_HOME to another directory."
            )
        os.ftruncate(owner, 0)
        os.pwrite(owner, f"{os.getpid()}\n".encode(), 0)
        servers = os.open(path / "servers.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            give_up = time.monotonic() + old_servers_limit_s
            while not _try_lock(servers):
                if time.monotonic() >= give_up:
                    raise HomeInUse(
                        f"Servers of an earlier run still use {path} (see the pids in {path}/*/*.pid). "
                        "End them, then start again."
                    )
                time.sleep(0.05)
            yield servers
        finally:
            os.close(servers)
    finally:
        os.close(owner)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
