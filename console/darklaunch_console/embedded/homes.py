"""Directories: where servers keep their data, and how leftovers go away.

    HOME/install/NAME-VERSION/     a copy of binaries the server's user could not reach otherwise
    HOME/servers/                  what `up` keeps
    TMP/darklaunch-servers-XXXX/   what a demo or a test throws away

A servers directory holds two locks and, for each server, a directory, a log and the password; `running.json` while
they run.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .account import ServerAccount
from .errors import EmbeddedError, HomeInUse
from .locks import acquire_locks

PREFIX = "darklaunch-servers-"
OLD_SERVERS_LIMIT_S = 20.0
STAGING_LEFTOVER_AGE_S = 3600.0


@dataclass(frozen=True, slots=True)
class ServersDir:
    """A directory that is ours: its path, whether its data is kept, and the lock the servers must inherit."""

    path: Path
    keep: bool
    servers_lock: int

    def new_log(self, server: str) -> Path:
        """Return the path of a server's log for this run; the one of the run before stays beside it, as `.log.1`."""
        log = self.path / f"{server}.log"
        with contextlib.suppress(FileNotFoundError):
            log.replace(log.with_suffix(".log.1"))
        return log

    def subdirectory(self, server: str, account: ServerAccount) -> Path:
        """Return the directory of a server, made for its user alone."""
        directory = self.path / server
        directory.mkdir(exist_ok=True, mode=0o700)
        account.own(directory)
        return directory


def default_home(environ: Mapping[str, str]) -> Path:
    """Return DARKLAUNCH_HOME, or the per-user data directory; for root one that an unprivileged user can reach."""
    if chosen := environ.get("DARKLAUNCH_HOME"):
        return Path(chosen).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/darklaunch")
    data_home = Path(environ.get("XDG_DATA_HOME", ""))
    if data_home.is_absolute():  # the XDG specification: a relative path is to be ignored
        return data_home / "darklaunch"
    try:
        return Path.home() / ".local/share/darklaunch"
    except RuntimeError:
        raise EmbeddedError("This user has no home directory. Set DARKLAUNCH_HOME to a directory for data.") from None


def kept_dir_path(home: Path) -> Path:
    """Return the servers directory of a home."""
    return home / "servers"


@contextlib.contextmanager
def use_kept_dir(home: Path, account: ServerAccount) -> Generator[ServersDir]:
    """Lock the servers directory of a home for the block, and create it if it is missing.

    Raises HomeInUse when another run has it, EmbeddedError when it cannot be made, locked or reached.
    """
    path = kept_dir_path(home)
    try:
        make_reachable(path, account)
        locks = acquire_locks(path, OLD_SERVERS_LIMIT_S)
    except OSError as error:
        raise EmbeddedError(
            f"Cannot keep data in {path}: {error}. Set DARKLAUNCH_HOME to a directory of yours."
        ) from error
    try:
        yield ServersDir(path, True, locks.servers)
    finally:
        locks.release()


@contextlib.contextmanager
def make_temporary_dir(account: ServerAccount) -> Generator[ServersDir]:
    """Create a servers directory that is removed after the block; remove those that killed runs left behind."""
    parent = _temporary_parent(account)
    remove_leftovers(parent)
    name = f"{PREFIX}{secrets.token_hex(6)}"
    staging, path = parent / f".{name}", parent / name
    owner_pid = os.getpid()
    try:
        staging.mkdir(mode=0o700)
        if account.drop:
            staging.chmod(0o711)
        locks = acquire_locks(staging, OLD_SERVERS_LIMIT_S)
        staging.rename(path)  # visible to a sweep only now that it is locked
        try:
            yield ServersDir(path, False, locks.servers)
        finally:
            locks.release()
    finally:
        if os.getpid() == owner_pid:  # a forked child that unwinds must not take the directory away
            shutil.rmtree(path, ignore_errors=True)
            shutil.rmtree(staging, ignore_errors=True)


def remove_leftovers(parent: Path) -> None:
    """Remove throw-away directories of ours whose owner and servers are gone."""
    for path in [*parent.glob(f"{PREFIX}*"), *parent.glob(f".{PREFIX}*")]:
        with contextlib.suppress(OSError, HomeInUse):
            status = path.lstat()
            if path.is_symlink() or not path.is_dir() or status.st_uid != os.geteuid():
                continue
            if path.name.startswith("."):
                if time.time() - status.st_mtime < STAGING_LEFTOVER_AGE_S:
                    continue  # its owner is about to lock it
                shutil.rmtree(path, ignore_errors=True)
            else:
                # Most of them are in use: waiting for each would make every start slower beside other runs.
                locks = acquire_locks(path, 0.0, owner_limit_s=0.0)
                try:
                    shutil.rmtree(path, ignore_errors=True)
                finally:
                    locks.release()


def make_reachable(directory: Path, account: ServerAccount) -> None:
    """Create a directory and what is missing above it, so that the servers' user can reach it whatever the umask.

    Raises EmbeddedError when a directory that was there before is in the way.
    """
    missing = [step for step in (directory, *directory.parents) if not step.exists()]
    for step in reversed(missing):
        with contextlib.suppress(FileExistsError):  # somebody else was faster
            step.mkdir(mode=0o755 if account.drop else 0o700)
            if account.drop:
                step.chmod(0o755)
    if obstacle := account.obstacle(directory):
        raise EmbeddedError(
            f"The servers run as uid {account.uid}, which cannot reach {directory} because of the mode of {obstacle}. "
            "Set DARKLAUNCH_HOME to a directory it can reach."
        )


def _temporary_parent(account: ServerAccount) -> Path:
    for candidate in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - what we make there is ours alone
        path = Path(candidate)
        if path.is_dir() and os.access(path, os.W_OK | os.X_OK) and account.obstacle(path) is None:
            return path
    raise EmbeddedError(
        f"Uid {account.uid} can reach no temporary directory (tried {tempfile.gettempdir()}, /tmp and /var/tmp). "
        "Set TMPDIR to one it can."
    )
