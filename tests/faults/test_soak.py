"""Two hundred kills at random under load, and memory that stays where it is."""

from __future__ import annotations

import random
import time

import pytest

from .stage import Stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

KILLS = 200
FLAT_S = 300


def test_two_hundred_kills(stage: Stage) -> None:
    """Kill workers, comparators and whoever leads, one every second or so, and start another each time."""
    chance = random.Random(20_260_101)
    start = {"worker": stage.worker, "comparator": stage.comparator}
    hook = stage.up(workers=3, comparators=2, per_s=150)
    stage.shadow.delay_s = 0.02
    killed: list[str] = []
    while len(killed) < KILLS:
        time.sleep(chance.uniform(0.2, 1.2))
        victims = [process for process in stage.processes if process.alive]
        if chance.random() < 0.2:  # the leader has led for longest
            victims = [process for process in victims if process.kind == "comparator"][:1]
        victim = chance.choice(victims)
        victim.kill()
        killed.append(victim.kind)
        start[victim.kind]()
        assert hook.wrong == 0
    stage.mended()
    account = stage.finish(
        f"soak: {killed.count('worker')} workers and {killed.count('comparator')} comparators killed at random"
    )
    # Nobody is at fault for them, and still five deaths in a row make an exchange dead: with its payload, and counted.
    assert account["outcomes"]["dead"] <= account["sampled"] / 1000
    assert "lost_in_redis" not in account["dropped"]


def test_memory_is_flat(stage: Stage) -> None:
    """Run under load, and compare what each process has resident after a minute with what it has at the end."""
    stage.up(workers=1, comparators=1, per_s=300)
    time.sleep(FLAT_S / 5)
    before = {process.kind: process.resident_mib for process in stage.processes}
    time.sleep(FLAT_S * 4 / 5)
    after = {process.kind: process.resident_mib for process in stage.processes}
    stage.mended()
    memory = f"{show(before)} MiB after a minute, {show(after)} MiB at the end"
    stage.finish(f"soak: 300 a second for {FLAT_S // 60} minutes: {memory}")
    assert all(after[kind] - before[kind] < 8 for kind in before), (before, after)


def show(resident: dict[str, float]) -> str:
    return "/".join(f"{resident[kind]:.0f}" for kind in ("worker", "comparator"))
