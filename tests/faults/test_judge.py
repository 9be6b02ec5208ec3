"""SIGKILL of the comparator that judges, in the middle of it: the verdict is that of one that was never killed."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest
from darklaunch_comparator.judging.policy import JudgeMode, JudgePolicy
from darklaunch_comparator.judging.policy_file import dump_policy_json
from darklaunch_comparator.store.connect import connect_store
from darklaunch_shared import keys

from tests.support.exchanges import exchange, replayed

from .stage import Stage

pytestmark = pytest.mark.faults

AGO_MS = 300_000


def put(stage: Stage, name: str, start_ms: int) -> None:
    """Record a launch of ten minutes ago, and put on its stream a minute of exchanges, the second half of them bad."""
    stage.launch(name, policy=dump_policy_json(JudgePolicy(mode=JudgeMode.MANUAL)))
    with connect_store(stage.dsn, name="darklaunch-test") as connection:
        past = "UPDATE darklaunch.launch SET created_at = now() - interval '10 minutes' WHERE name = %s"
        connection.execute(past, [name])
    for seq in range(1, 601):
        at_ms = start_ms + 100 * seq
        entry = replayed(
            exchange(name, seq, at_ms=at_ms), body={"total": 2 if seq > 300 and seq % 4 == 0 else 1}, build="v1"
        )
        flat = [part for pair in entry.items() for part in pair]
        stage.client.execute_command("XADD", keys.replays(name), f"{at_ms}-{seq}", *flat)


def said(stage: Stage, name: str) -> list[tuple[Any, ...]]:
    stage.until(lambda: stage.sql("SELECT 1 FROM darklaunch.launch WHERE name = %s AND status = 'rolled_back'", name))
    return stage.sql("SELECT act, actor, reason, data FROM darklaunch.event WHERE launch = %s ORDER BY id", name)


def known(stage: Stage, name: str) -> list[tuple[Any, ...]]:
    return stage.sql("SELECT build, endpoint, state FROM darklaunch.evidence WHERE launch = %s ORDER BY 1, 2", name)


@pytest.mark.parametrize("place", ["judge.window_added", "judge.window_added:3", "judge.hold_set", "judge.committed"])
def test_a_judge(stage: Stage, place: str) -> None:
    start_ms = time.time_ns() // 1_000_000 - AGO_MS
    whole, torn = stage.name, f"{stage.name}-torn"
    put(stage, whole, start_ms)
    one = stage.comparator()
    expected = said(stage, whole)
    assert [act for act, *_ in expected] == ["started", "verdict", "verdict", "rolled_back"]
    assert one.stop() == 0

    put(stage, torn, start_ms)
    victim = stage.comparator(crash_at=place)
    stage.until(lambda: victim.exit_code is not None)
    assert victim.exit_code == -signal.SIGKILL, stage.logs()
    began_s = time.monotonic()
    stage.comparator()
    found = said(stage, torn)
    stage.until(lambda: stage.client.execute_command("HGET", keys.launch(torn), "status") == b"rolled_back")
    stage.recovery_s = time.monotonic() - began_s
    account = stage.finish(f"a judge dies: {place}", name=torn)
    assert account["sampled"] == 600
    assert found[1:] == expected[1:]
    assert known(stage, torn) == known(stage, whole)
