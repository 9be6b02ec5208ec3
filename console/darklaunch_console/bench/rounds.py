"""Rounds of measurement: contenders take turns, and their times are summarized."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.redis.client import connect
from darklaunch_shared.redis.publish import publish_launch

from darklaunch_console.errors import ConsoleError

LAUNCH: Final = "bench"
BARE, IDLE, SAMPLED = "bare app", "hook, not sampled", "hook, every request sampled"
SHARES: Final[Mapping[str, float]] = {IDLE: 1e-9, SAMPLED: 100.0}
"""The percentage that each contender with the hook samples."""


@dataclass(frozen=True, slots=True)
class ContenderFigures:
    """Times of one contender per request, in µs: medians of its rounds. CPU time is that of the whole process."""

    name: str
    mean_us: float
    p50_us: float
    p99_us: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class HookCost:
    """The response, the figures of each contender (the bare app first), and what the hook adds to the bare app."""

    interface: str
    status: int
    body_bytes: int
    figures: tuple[ContenderFigures, ...]
    added_us: Mapping[str, float]
    added_cpu_us: Mapping[str, float]


class Contender:
    """A child process that calls the app, and the figures of its rounds: mean, p50, p99 and CPU, in µs."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self.rounds: list[tuple[float, float, float, float]] = []
        self._process = process
        self.response = self._read_reply()

    def run(self, times: int) -> None:
        """Call the app `times` times and keep the figures."""
        assert self._process.stdin
        self._process.stdin.write(f"{times}\n")
        self._process.stdin.flush()
        reply = self._read_reply()
        took_us = reply["took_us"]
        spread = statistics.quantiles(took_us, n=100)
        self.rounds.append((statistics.fmean(took_us), spread[49], spread[98], reply["cpu_us"]))

    def _read_reply(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise ConsoleError("the app ended its process; its output stands above")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise ConsoleError(reply["error"])
        return reply


def measure_hook_cost(request: Mapping[str, Any], redis_url: str, *, rounds: int, times: int) -> HookCost:
    """Measure the app bare and behind the hook, in rounds of `times` requests.

    `request` names the app and the request (see `child.main`); `redis_url` is that of a Redis for this purpose alone.
    Raises ConsoleError when the app cannot be called.
    """
    with ExitStack() as running:
        contenders = [Contender(BARE, running.enter_context(_start_child({**request, "redis_url": ""})))]
        for number, (name, percent) in enumerate(SHARES.items(), 1):
            url = f"{redis_url.rpartition('/')[0]}/{number}"
            publish_bench_launch(url, percent, allow=request["method"])
            contenders.append(Contender(name, running.enter_context(_start_child({**request, "redis_url": url}))))
        for contender in contenders:
            contender.run(max(10, times // 10))
            contender.rounds.clear()
        for _ in range(rounds):
            for contender in contenders:
                contender.run(times)
            for position in range(1, len(SHARES) + 1):
                _empty_stream(f"{redis_url.rpartition('/')[0]}/{position}")
    return _summarize(contenders)


def publish_bench_launch(redis_url: str, percent: float, *, allow: str = "GET") -> None:
    """Publish a launch that samples requests of the method `allow`; its backlog limit is never reached."""
    allowed = () if allow in ("GET", "HEAD", "OPTIONS") else (f"{allow} /**",)
    spec = LaunchSpec("http://127.0.0.1:9", max_entries=10_000_000, allow=allowed)
    state = LaunchState(LAUNCH, LaunchStatus.ACTIVE, percent=percent, hold=False, revision=1, spec=spec)
    redis = connect(redis_url, client_name="darklaunch-bench")
    publish_launch(redis, state, lift_hold=False)
    redis.close()


def _empty_stream(redis_url: str) -> None:
    redis = connect(redis_url, client_name="darklaunch-bench")
    redis.execute_command("XTRIM", keys.captures(LAUNCH), "MAXLEN", 0)
    redis.close()


def _summarize(contenders: Sequence[Contender]) -> HookCost:
    bare = contenders[0]
    figures = tuple(
        ContenderFigures(contender.name, *(statistics.median(column) for column in zip(*contender.rounds, strict=True)))
        for contender in contenders
    )
    return HookCost(
        bare.response["interface"],
        bare.response["status"],
        bare.response["bytes"],
        figures,
        {contender.name: _compute_added(contender, bare, 1) for contender in contenders[1:]},
        {contender.name: _compute_added(contender, bare, 3) for contender in contenders[1:]},
    )


def _compute_added(contender: Contender, bare: Contender, column: int) -> float:
    """Return the median difference to the bare app, round by round."""
    pairs = zip(contender.rounds, bare.rounds, strict=True)
    return statistics.median(own[column] - bare_round[column] for own, bare_round in pairs)


@contextmanager
def _start_child(request: Mapping[str, Any]) -> Generator[subprocess.Popen[str]]:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DARKLAUNCH_REDIS_URL", "REDIS_URL")
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "darklaunch_console.bench.child", json.dumps(dict(request))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
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
