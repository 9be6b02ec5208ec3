"""Who is running: each process says so every few seconds, by the server's clock."""

import os
import socket
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import orjson

from .script_queue import ScriptCall

HEARTBEAT_S: Final = 5.0
ALIVE_MS: Final = 15_000


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """A process as it last described itself: `seen_ms` is the server's clock, `about` its own words."""

    id: str
    seen_ms: int
    about: dict[str, Any]


def heartbeat(registry: str, identity: str, about: dict[str, Any]) -> ScriptCall:
    """Give the call that says this process is alive. `registry` is keys.HOOKS, keys.WORKERS or keys.COMPARATORS."""
    clock_ms = time.time_ns() // 1_000_000
    described = {"host": socket.gethostname(), "pid": os.getpid(), "clock_ms": clock_ms, **about}
    return ScriptCall("heartbeat", (registry,), (identity, orjson.dumps(described)))


def read_alive(stored: dict[bytes, bytes], now_ms: int) -> list[ProcessRecord]:
    """Read a registry's hash and keep who was seen within 15 s of the server's `now_ms`. Skips damaged records."""
    alive: list[ProcessRecord] = []
    for identity, record in sorted(stored.items()):
        seen, _, described = record.partition(b" ")
        try:
            process = ProcessRecord(identity.decode(), int(seen), orjson.loads(described))
        except ValueError:
            continue
        if now_ms - process.seen_ms <= ALIVE_MS:
            alive.append(process)
    return alive


def own_version() -> str:
    """Give the version of darklaunch that runs here; "unknown" from a source tree that is not installed."""
    try:
        return version("darklaunch")
    except PackageNotFoundError:
        return "unknown"
