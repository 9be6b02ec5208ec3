"""Let contenders take turns, and sum up what they took."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec, pack_spec
from darklaunch_shared.redis.client import connect

from darklaunch_console.errors import ConsoleError

LAUNCH: Final = "bench"
BARE, IDLE, SAMPLED = "bare app", "hook, not sampled", "hook, every request sampled"
SHARES: Final[Mapping[str, float]] = {IDLE: 1e-9, SAMPLED: 100.0}
"""The percentage that each contender with the hook samples."""


@dataclass(frozen=True, slots=True)
class ContenderFigures:
    """What one contender took per request, in µs: medians of its rounds. CPU is of the whole process."""

    name: str
    mean_us: float
    p50_us: float
    p99_us: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class HookCost:
    """What came out: the app's answer, and the figures of the bare app first."""

    interface: str
    status: int
    body_bytes: int
    figures: tuple[ContenderFigures, ...]
    added_us: Mapping[str, float]
    added_cpu_us: Mapping[str, float]


class Contender:
    """A child process that calls the app."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self.rounds: list[tuple[float, float, float, float]] = []
        self._process = process
        self.told = self._hear()

    def run(self, times: int) -> None:
        """Call the app so often and keep what that took."""
        assert self._process.stdin
        self._process.stdin.write(f"{times}\n")
        self._process.stdin.flush()
        told = self._hear()
        took_us = told["took_us"]
        spread = statistics.quantiles(took_us, n=100)
        self.rounds.append((statistics.fmean(took_us), spread[49], spread[98], told["cpu_us"]))

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise ConsoleError("the app ended its process; what it said stands above")
        told: dict[str, Any] = json.loads(line)
        if "error" in told:
            raise ConsoleError(told["error"])
        return told


def measure_hook_cost(
    told: Mapping[str, Any], redis_url: str, *, rounds: int, times: int, tell: Callable[[int], None]
) -> HookCost:
    """Measure the app bare and behind the hook. `redis_url` is of a Redis for this purpose alone.

    `told` is what the child needs to know, `tell` hears of each finished round. Raises ConsoleError when the app cannot
    be called.
    """
    with ExitStack() as running:
        contenders = [Contender(BARE, running.enter_context(_child({**told, "redis_url": ""})))]
        for number, (name, percent) in enumerate(SHARES.items(), 1):
            url = f"{redis_url.rpartition('/')[0]}/{number}"
            publish_bench_launch(url, percent, allow=told["method"])
            contenders.append(Contender(name, running.enter_context(_child({**told, "redis_url": url}))))
        for contender in contenders:
            contender.run(max(10, times // 10))
            contender.rounds.clear()
        for number in range(rounds):
            for contender in contenders:
                contender.run(times)
            for position in range(1, len(SHARES) + 1):
                _empty(f"{redis_url.rpartition('/')[0]}/{position}")
            tell(number + 1)
    return _summed_up(contenders)


def publish_bench_launch(redis_url: str, percent: float, *, allow: str) -> None:
    """Put a launch on Redis whose backlog has no bound in reach; nothing replays it."""
    redis = connect(redis_url, client_name="darklaunch-bench")
    allowed = () if allow in ("GET", "HEAD", "OPTIONS") else (f"{allow} /**",)
    spec = pack_spec(LaunchSpec("http://127.0.0.1:9", max_entries=10_000_000, allow=allowed))
    state = (
        *(keys.STATE_STATUS, "active", keys.STATE_PERCENT, percent),
        *(keys.STATE_REVISION, 1, keys.STATE_SPEC, spec),
    )
    redis.execute_command("SADD", keys.LAUNCHES, LAUNCH)
    redis.execute_command("HSET", keys.launch(LAUNCH), *state)
    redis.execute_command("INCR", keys.REVISION)
    redis.close()


def _empty(redis_url: str) -> None:
    redis = connect(redis_url, client_name="darklaunch-bench")
    redis.execute_command("XTRIM", keys.captures(LAUNCH), "MAXLEN", 0)
    redis.close()


def _summed_up(contenders: Sequence[Contender]) -> HookCost:
    bare = contenders[0]
    figures = tuple(
        ContenderFigures(contender.name, *(statistics.median(column) for column in zip(*contender.rounds, strict=True)))
        for contender in contenders
    )
    return HookCost(
        bare.told["interface"],
        bare.told["status"],
        bare.told["bytes"],
        figures,
        {one.name: _added(one, bare, 1) for one in contenders[1:]},
        {one.name: _added(one, bare, 3) for one in contenders[1:]},
    )


def _added(one: Contender, bare: Contender, column: int) -> float:
    return statistics.median(mine[column] - its[column] for mine, its in zip(one.rounds, bare.rounds, strict=True))


@contextmanager
def _child(told: Mapping[str, Any]) -> Generator[subprocess.Popen[str]]:
    own = {name: value for name, value in os.environ.items() if name not in ("DARKLAUNCH_REDIS_URL", "REDIS_URL")}
    process = subprocess.Popen(
        [sys.executable, "-m", "darklaunch_console.bench.child", json.dumps(dict(told))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=own,
        text=True,
    )
    try:
        yield process
        assert process.stdin
        process.stdin.close()
        process.wait(10)
    finally:
        process.kill()
        with process:  # closes its pipes
            process.wait()
