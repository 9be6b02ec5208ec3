"""Measure task queues on Redis doing nothing, one worker process each, beside ours: messages a second.

    python -m bench.queues [--rounds 5] [--messages 3000]

Every contender works off messages of 2 kB that were put there before the clock starts; they take turns in every round,
on one Valkey that is emptied in between. The peers run with the settings that their documentation begins with, each in
an environment of its own that uv makes (what cannot be installed is left out, with a word). `darklaunch` is the whole
worker stage of `bench.worker` (read, unpack, pack, finish) with a shadow client that answers at once; `bare loop` is
redis-py alone doing the same to Redis.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from darklaunch_console.embedded import embedded_valkey
from darklaunch_shared.process.gc_tuning import freeze_startup_objects
from darklaunch_shared.redis.client import connect

from .worker import Bench, NoOp

PEERS = {
    "taskiq-redis": ("taskiq_noop.py", "taskiq-redis"),
    "faststream": ("faststream_noop.py", "faststream[redis]"),
    "dramatiq": ("dramatiq_noop.py", "dramatiq[redis]"),
    "streaq": ("streaq_noop.py", "streaq"),
    "arq": ("arq_noop.py", "arq"),
    "celery": ("celery_noop.py", "celery[redis]"),
}
OURS = ("bare loop", "darklaunch")
LIMIT_S = 180.0


def peer(name: str, redis_url: str, messages: int) -> dict[str, float] | None:
    """Run a peer once; None when it cannot be run here."""
    script, package = PEERS[name]
    uv = shutil.which("uv")
    if uv is None:
        return None
    command = [uv, "run", "-q", "--no-project", "--isolated", "--with", package, "python", "-W", "ignore"]
    command += [str(Path(__file__).parent / "peers" / script), redis_url, str(messages)]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, env=_environ())
    except subprocess.TimeoutExpired:
        return None
    told = [line for line in ran.stdout.splitlines() if line.startswith('{"messages"')]
    return json.loads(told[-1]) if told else None


def measure(rounds: int, messages: int) -> dict[str, list[float]]:
    """Return everybody's messages per second, one figure a round."""
    rates: dict[str, list[float]] = {name: [] for name in (*OURS, *PEERS)}
    with embedded_valkey() as valkey:
        redis = connect(valkey.url, client_name="darklaunch-bench")
        bench = Bench(valkey.url, None, messages)
        for _ in range(rounds):
            for name, ours in zip(OURS, (bench.bare_loop, lambda: bench.worker(answering=NoOp)), strict=True):
                wall_us, _ = ours()
                rates[name].append(1e6 / wall_us)
            for name in [name for name in rates if name in PEERS]:
                redis.execute_command("FLUSHALL")
                told = peer(name, valkey.url, messages)
                if told is None:
                    print(f"{name} could not be run here and is left out", file=sys.stderr)
                    del rates[name]
                else:
                    rates[name].append(told["messages"] / told["seconds"])
        redis.close()
    return rates


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("DARKLAUNCH_", "VIRTUAL_ENV"))}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, default=3000)
    given = parser.parse_args()
    freeze_startup_objects()  # as the worker command does
    print(f"{'queue':24}{'messages/s':>12}    {given.rounds} rounds of {given.messages:,}, 2 kB each, doing nothing")
    for name, found in sorted(measure(given.rounds, given.messages).items(), key=lambda pair: -max(pair[1])):
        print(f"{name:24}{statistics.median(found):12,.0f}")
