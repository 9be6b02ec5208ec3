"""Processes frozen, told to end, started all at once, forked, of two releases, and given poison."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from darklaunch_comparator.judging.policy import JudgeMode, JudgePolicy
from darklaunch_comparator.judging.policy_file import dump_policy_json
from darklaunch_comparator.store.server import LEADER_LOCK
from darklaunch_shared import keys
from darklaunch_shared.redis.consumer import MAX_DELIVERIES

from .stage import Stage

pytestmark = pytest.mark.faults


def test_a_worker_frozen_past_its_lease(stage: Stage) -> None:
    stage.up(workers=2)
    frozen = stage.processes[0]
    stage.shadow.delay_s = 0.2
    time.sleep(0.5)
    frozen.signal(signal.SIGSTOP)
    time.sleep(4)
    frozen.signal(signal.SIGCONT)
    stage.shadow.delay_s = 0.0
    stage.mended()
    account = stage.finish("worker: SIGSTOP past its lease, then CONT")
    assert account["dropped"] == {}


def test_a_worker_frozen_for_many_leases(stage: Stage) -> None:
    """It wakes up with outcomes that others have finished long since, and with exchanges that nobody waits for."""
    stage.up(workers=2)
    frozen = stage.processes[0]
    stage.shadow.delay_s = 0.2
    time.sleep(0.5)
    frozen.signal(signal.SIGSTOP)
    stage.shadow.delay_s = 0.0
    time.sleep(12)  # ten leases, and longer than a read may block
    frozen.signal(signal.SIGCONT)
    stage.mended()
    account = stage.finish("worker: SIGSTOP for ten leases, then CONT")
    assert account["dropped"] == {} and account["outcomes"]["dead"] == 0


def test_a_comparator_frozen_past_its_lease(stage: Stage) -> None:
    stage.up(comparators=2)
    for frozen in stage.processes[1:3]:
        frozen.signal(signal.SIGSTOP)
        time.sleep(2.5)
        frozen.signal(signal.SIGCONT)
    stage.mended()
    assert stage.finish("comparator: SIGSTOP past its lease, then CONT; the leader too")["dropped"] == {}


def test_two_judges(stage: Stage) -> None:
    """The judge is frozen and loses its lock; another acts; the first wakes up, and no act is done a second time."""
    hook = stage.up(comparators=2, policy=dump_policy_json(JudgePolicy(mode=JudgeMode.MANUAL)))
    (pid,) = leaders(stage)
    judge, other = sorted(stage.processes[1:3], key=lambda each: "leading from now on" not in each.log)
    judge.signal(signal.SIGSTOP)
    stage.sql("SELECT pg_terminate_backend(%s)", pid)
    stage.until(lambda: "leading from now on" in other.log)
    stage.until(lambda: stage.sql("SELECT 1 FROM darklaunch.launch WHERE status = 'rolled_back'"))
    judge.signal(signal.SIGCONT)
    stage.until(lambda: not hook.sampling)
    stage.until(lambda: "This comparator cannot become leader" in judge.log)
    time.sleep(5)  # two looks of whoever judges
    assert len(leaders(stage)) == 1
    said = stage.sql("SELECT act, data->>'verdict' FROM darklaunch.event ORDER BY id")
    assert [act for act, _ in said if act != "verdict"] == ["started", "rolled_back"]
    verdicts = [verdict for act, verdict in said if act == "verdict"]
    assert len(set(verdicts)) == len(verdicts) and verdicts[-1] == "roll_back"
    account = stage.finish("two judges: the one that leads is frozen, wakes up and finds another")
    assert set(account["dropped"]) <= {"superseded_by_rollback"}


def leaders(stage: Stage) -> list[int]:
    """Return the backends that hold the leader's lock."""
    held = "SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory' AND granted"
    return [pid for (pid,) in stage.sql(f"{held} AND datname = current_database() AND classid = %s", LEADER_LOCK >> 32)]


def test_told_to_end_under_load(stage: Stage) -> None:
    stage.up(workers=2, comparators=2)
    stage.shadow.delay_s = 0.1
    for kind, start in (("worker", stage.worker), ("comparator", stage.comparator)):
        leaving = next(process for process in stage.processes if process.kind == kind)
        leaving.signal(signal.SIGTERM)
        assert leaving.ended() == 0, leaving.log
        start()
    stage.mended()
    account = stage.finish("worker, comparator: SIGTERM under load")
    assert account["dropped"] == {}
    assert stage.shadow.again == 0, "nothing that was finished or handed back is sent twice"


def test_poison(stage: Stage) -> None:
    """An exchange that kills whoever works on it is given up after five deaths, with its payload; no other suffers."""
    hook = stage.up()
    stage.processes[0].stop()
    hook.rest()
    stage.until(lambda: stage.length(keys.replays(stage.name)) == 0)
    hook.ask(1)
    stage.until(lambda: stage.length(keys.captures(stage.name)) > 0)
    time.sleep(0.5)
    for _ in range(MAX_DELIVERIES):
        victim = stage.worker(crash_at="worker.slot_taken", lease_s=0.3)
        stage.until(victim.has_ended)
        time.sleep(0.4)  # its lease ends, so that the next takes all it left
    hook.load(100)
    stage.worker(lease_s=0.3)
    stage.mended()
    account = stage.finish(f"poison: {MAX_DELIVERIES} workers die of one exchange")
    assert account["outcomes"]["dead"] >= 1 and account["dropped"] == {}
    assert stage.length(keys.dead(stage.name)) == account["outcomes"]["dead"]


def test_twenty_workers_at_once(stage: Stage) -> None:
    stage.launch()
    hook = stage.hook()
    hook.load(200)
    stage.until(lambda: stage.length(keys.captures(stage.name)) > 100)
    for _ in range(20):
        stage.worker(concurrency=4, lease_s=10.0)  # nobody dies: what takes long on a busy machine is not claimed
    stage.comparator()
    stage.mended()
    account = stage.finish("twenty workers start at once")
    assert account["dropped"] == {} and stage.shadow.again == 0


def test_two_releases_side_by_side(stage: Stage) -> None:
    """Entries with fields of a newer release pass; those of a version nobody reads are buried, and counted as dead."""
    stage.up()
    newer = (
        "local e = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1] if not e then return 0 end "
        "local f = e[2] f[#f + 1] = 'of_a_newer_release' f[#f + 1] = 'x' "
        "redis.call('XDEL', KEYS[1], e[1]) redis.call('XADD', KEYS[1], '*', unpack(f)) return 1"
    )
    stage.processes[0].signal(signal.SIGSTOP)
    done = 0
    stage.until(lambda: stage.length(keys.captures(stage.name)) > 40)
    for _ in range(5):
        done += int(stage.client.execute_command("EVAL", newer, 1, keys.captures(stage.name)))
    stage.client.execute_command(
        "EVAL", "return redis.call('XADD', KEYS[1], '*', 'v', '99', 'id', 'zzzzzzzz:1', 'meta', '{}')", 1,
        keys.captures(stage.name),
    )  # fmt: skip
    stage.processes[0].signal(signal.SIGCONT)
    stage.mended()
    stage.until(lambda: stage.length(keys.dead(stage.name)) == 1)
    assert done == 5
    for hook in stage.hooks:
        hook.rest()
    stage.until(lambda: stage.rows("matched", "mismatched") >= stage.hooks[0].sampled)
    stage.hooks.clear()  # the stranger's entry counts as sampled by a producer that no hook here is
    account = stage.finish("old and new entries side by side", killed=None)
    assert account["outcomes"]["dead"] <= 1


def test_a_fork_with_a_full_buffer(stage: Stage) -> None:
    stage.launch()
    stage.worker()
    stage.comparator()
    hook = stage.hook()
    stage.redis.signal(signal.SIGSTOP)
    hook.ask(300)
    child = os.fork()
    if child == 0:  # it starts anew: what its parent holds stays its parent's
        try:
            hook.ask(1)
            os._exit(0 if hook.wrong == 0 and len(hook.recorder.buffer) <= 1 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    stage.redis.signal(signal.SIGCONT)
    hook.load(50)
    stage.mended()
    account = stage.finish("fork with 300 in the buffer")
    assert account["dropped"] == {}
    assert account["sampled"] >= 300


def test_a_real_server(stage: Stage, tmp_path: Path) -> None:
    """uvicorn with the hook, killed under load: what it held is gone with it and said so; the next one goes on."""
    from tests.support.hook import serving, uvicorn

    stage.launch()
    stage.worker()
    stage.comparator()
    environment = {"DARKLAUNCH_REDIS_URL": stage.redis_url}
    for life in range(2):
        with serving(uvicorn("asgi_app:app"), tmp_path / f"uvicorn-{life}.log", environment) as served:
            time.sleep(1.5)
            for number in range(60):
                served.get(f"/orders/{number}")
            time.sleep(0.5)
            if life == 0:
                served.process.kill()
                served.process.wait(10)
            else:
                stage.mended_by(lambda: served.get("/orders/7"))
    account = stage.finish("uvicorn: SIGKILL under load", killed=None)
    assert account["sampled"] >= 50
