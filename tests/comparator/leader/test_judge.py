"""The judge beside other judges and people: launches changed meanwhile, late and killed judges, unusable policies."""

import random
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from darklaunch_comparator.judging.policy import JudgeMode
from darklaunch_comparator.judging.window import JudgedExchange
from darklaunch_comparator.leader import judge as judge_module
from darklaunch_comparator.leader import judge_turn as turn_module
from darklaunch_comparator.leader.judge_actions import JudgeActions
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.judge_state import save_judge_state
from darklaunch_comparator.store.launches import LaunchAct, get_launch, list_events, update_launch
from darklaunch_shared.launch.spec import LaunchStatus
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.publish import publish_launch
from psycopg import Connection

from tests.support.judge_harness import QUICK_POLICY, JudgeHarness, MakeHarness, read_redis_state
from tests.support.judge_traffic import ENDPOINTS, traffic

SEARCH = ENDPOINTS[1]


def test_a_launch_changed_meanwhile_is_left_alone(make_harness: MakeHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    harness = make_harness()
    harness.record(traffic(1_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.5}))
    stale = get_launch(harness.connection, harness.name)
    update_launch(harness.connection, harness.name, LaunchAct("ann", "ramped"), percent=50)
    harness.now_ms += 120_000
    monkeypatch.setattr(judge_module, "list_launches", lambda _connection: [stale])
    harness.judge.judge_launches(harness.connection, harness.redis)
    assert [act for act, _ in harness.acts] == ["ramped"]
    assert (harness.state.status, harness.state.percent) == (LaunchStatus.ACTIVE, 50.0)
    monkeypatch.undo()
    harness.judge_now()
    assert harness.state.status is LaunchStatus.ROLLED_BACK


def test_a_judge_that_wakes_up_late_repeats_and_undoes_nothing(
    make_harness: MakeHarness, own_postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It slept between its decision and its act; its connection is gone, another judge acted, and a person undid it."""
    harness = make_harness()
    harness.record(traffic(1_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.5}))
    harness.now_ms += 120_000
    make = JudgeActions.make_move

    def sleep_first(*args: Any) -> None:
        monkeypatch.setattr(JudgeActions, "make_move", make)
        with connect_store(own_postgres_dsn, name="darklaunch-test") as other:
            other.execute("SELECT pg_terminate_backend(%s)", [harness.connection.info.backend_pid])
            harness.new_judge().judge_launches(other, harness.redis)
            assert read_redis_state(harness).status is LaunchStatus.ROLLED_BACK
            let_go = update_launch(
                other, harness.name, LaunchAct("ann", "resumed"), status=LaunchStatus.ACTIVE, hold=False
            )
            publish_launch(harness.redis, let_go.state, lift_hold=True)
        make(*args)

    monkeypatch.setattr(JudgeActions, "make_move", sleep_first)
    with pytest.raises(psycopg.OperationalError):
        harness.judge_now()
    assert (read_redis_state(harness).status, read_redis_state(harness).hold) == (LaunchStatus.ACTIVE, False)
    with connect_store(own_postgres_dsn, name="darklaunch-test") as other:
        events = list_events(other, harness.name, 100)
    assert [event.act for event in events if event.act != "verdict"] == ["resumed", "rolled_back", "started"]
    assert [event.data["verdict"] for event in events if event.act == "verdict"].count("roll_back") == 1


def test_an_unusable_policy_stops_the_judging_of_one_launch_only(
    make_harness: MakeHarness, caplog: pytest.LogCaptureFixture
) -> None:
    harness = make_harness()
    spec = replace(harness.state.spec, policy='{"alpha": 0}')
    update_launch(harness.connection, harness.name, LaunchAct("ann", "policy_set"), spec=spec)
    other = JudgeHarness(harness.connection, harness.redis, f"{harness.name}-2", QUICK_POLICY)
    other.judge_traffic(traffic(400, start_ms=other.start_ms))
    for _ in range(2):
        harness.judge.judge_launches(harness.connection, harness.redis)
    assert "is not judged: the policy cannot be used: alpha: 0" in caplog.text
    assert caplog.text.count("is not judged") == 1
    assert other.judgement.summary["judged"] > 0


class _Killed(Exception):
    pass


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("mode", [JudgeMode.ADVISE, JudgeMode.AUTO])
def test_a_judge_killed_at_any_point_decides_as_one_that_is_not(
    connection: Connection[Any],
    redis: RedisClient,
    launch_name: str,
    mode: JudgeMode,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = random.Random(seed)
    policy = replace(QUICK_POLICY, mode=mode)
    whole, torn = (JudgeHarness(connection, redis, f"{launch_name}-{each}", policy, percent=1.0) for each in ("a", "b"))
    torn.start_ms = torn.now_ms = whole.start_ms
    good = list(traffic(1_500, start_ms=whole.start_ms, seed=seed))
    bad = list(traffic(800, start_ms=good[-1].at_ms + 1, seed=seed, build="v2", mismatch={SEARCH: 0.1}))
    seen: list[JudgedExchange] = good + bad if mode is JudgeMode.ADVISE else good
    whole.judge_traffic(iter(seen))

    monkeypatch.setattr(turn_module, "save_judge_state", _dying(chance, save_judge_state))
    monkeypatch.setattr(JudgeActions, "make_move", _dying(chance, JudgeActions.make_move))
    kills = 0

    def judge_now() -> None:
        nonlocal kills
        while True:
            try:
                torn.judge = torn.new_judge()
                JudgeHarness.judge_now(torn)
                return
            except _Killed:
                kills += 1

    monkeypatch.setattr(torn, "judge_now", judge_now)
    torn.judge_traffic(iter(seen))
    assert kills > 5
    assert [_said(event.data) for event in torn.events] == [_said(event.data) for event in whole.events]
    assert torn.acts == whole.acts
    assert torn.judgement.summary == whole.judgement.summary
    evidence = "SELECT build, endpoint, found, state FROM darklaunch.evidence WHERE launch = %s ORDER BY 1, 2"
    one, other = (connection.execute(evidence, [harness.name]).fetchall() for harness in (whole, torn))
    assert one == other


def _dying(chance: random.Random, function: Any) -> Any:
    def call(*args: Any) -> Any:
        if chance.random() < 0.4:
            raise _Killed
        result = function(*args)
        if chance.random() < 0.4:
            raise _Killed
        return result

    return call


def _said(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in ("basis", "rules")}
