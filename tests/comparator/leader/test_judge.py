"""The judge with a real Postgres and Redis: what it reads, what it does, and that stopping it changes nothing."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from darklaunch_comparator.control.publish import publish_launch
from darklaunch_comparator.judging.policy import FailureBudgets, JudgeMode, JudgePolicy, RampStep
from darklaunch_comparator.judging.policy_file import check_policy, dump_policy_json
from darklaunch_comparator.judging.window import JudgedExchange
from darklaunch_comparator.leader import judge as judge_module
from darklaunch_comparator.leader import judge_turn as turn_module
from darklaunch_comparator.leader import judge_windows as windows_module
from darklaunch_comparator.leader.judge_actions import JudgeActions
from darklaunch_comparator.leader.judge_windows import find_closed_until_ms, read_windows
from darklaunch_comparator.results.result import ExchangeResult
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.judge_state import save_judge_state
from darklaunch_comparator.store.launches import LaunchAct, get_launch, list_events, update_launch
from darklaunch_comparator.store.signatures import COMPARATOR, decide_signatures
from darklaunch_comparator.store.write_batch import write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus, parse_state
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import pair_fields
from psycopg import Connection

from tests.support.judge_harness import JudgeHarness
from tests.support.judge_traffic import ENDPOINTS, traffic

SEARCH = ENDPOINTS[1]
STEPS = (RampStep(1, 0.05, 100), RampStep(10, 0.02, 200), RampStep(100, 0.01, 300))
QUICK = JudgePolicy(
    mode=JudgeMode.AUTO, steps=STEPS, soak_s=10, budgets=FailureBudgets(0.01, 0.01, 0.01), endpoint_bound=0.05
)


def copy(harness: JudgeHarness) -> LaunchState:
    """Give what hooks and workers see."""
    return parse_state(harness.name, pair_fields(harness.redis.execute_command("HGETALL", keys.launch(harness.name))))


@pytest.fixture
def make_harness(connection: Connection[Any], redis: RedisClient, launch_name: str) -> Iterator[Any]:
    def harness(policy: JudgePolicy = QUICK, **more: Any) -> JudgeHarness:
        return JudgeHarness(connection, redis, launch_name, policy, **more)

    return harness  # type: ignore[return-value]


def test_a_good_launch_is_raised_step_by_step_and_promoted(make_harness: Any) -> None:
    harness: JudgeHarness = make_harness(percent=1.0)
    harness.judge_traffic(traffic(2_000, start_ms=harness.start_ms))
    acts = [(event.act, event.data.get("percent", {}).get("to")) for event in harness.events]
    assert acts == [("verdict", None), ("ramped", 10.0), ("ramped", 100.0), ("verdict", None), ("promoted", None)]
    assert {event.actor for event in harness.events} == {"judge"}
    assert harness.events[1].reason == "all checks pass at 1 % of traffic: raised to 10 %"
    assert harness.events[-1].reason.startswith("all checks pass after ")
    assert harness.state.status is LaunchStatus.PROMOTED and copy(harness) == harness.state
    assert harness.known.verdict == "promote"


def test_a_bad_launch_is_rolled_back_with_all_it_rests_on(make_harness: Any) -> None:
    harness: JudgeHarness = make_harness(replace(QUICK, mode=JudgeMode.MANUAL))
    harness.judge_traffic(traffic(2_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.2}))
    *_, verdict, act = harness.events
    assert (verdict.act, act.act, act.actor) == ("verdict", "rolled_back", "judge")
    assert act.reason.startswith(f"{SEARCH} differs in 2")
    assert "(budget 1 %) after " in act.reason and act.reason.endswith(" that this is chance")
    assert (harness.state.status, harness.state.hold) == (LaunchStatus.ROLLED_BACK, True)
    assert copy(harness) == harness.state
    data = act.data
    assert data["verdict"] == "roll_back" and data["leading"]["endpoint"] == SEARCH and data["build"] == "v1"
    assert check_policy(data["policy"]).mode is JudgeMode.MANUAL
    assert len(data["rules"]) == 16 and data["trial"] == 1
    assert [each["guard"] for each in data["guards"]] == ["mismatch", "error", "slow", "p50", "p95", "p99"]
    assert data["guards"][4]["threshold_ms"] > 10 or data["judged"] < 200


def test_a_judge_that_may_only_advise_does_nothing(make_harness: Any) -> None:
    harness: JudgeHarness = make_harness(replace(QUICK, mode=JudgeMode.ADVISE))
    harness.judge_traffic(traffic(2_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.2}))
    assert [event.act for event in harness.events] == ["verdict", "verdict"]
    assert harness.known.verdict == "roll_back"
    assert harness.state.status is LaunchStatus.ACTIVE and harness.state.percent == 100.0
    spec = replace(harness.state.spec, policy=dump_policy_json(replace(QUICK, mode=JudgeMode.MANUAL)))
    update_launch(harness.connection, harness.name, LaunchAct("ann", "policy_set"), spec=spec)
    harness.judge_now()
    assert harness.state.status is LaunchStatus.ROLLED_BACK, "it was condemned already"


def test_a_result_that_is_late_is_counted_but_is_no_evidence_any_more(make_harness: Any) -> None:
    harness: JudgeHarness = make_harness()
    harness.judge_traffic(traffic(100, start_ms=harness.start_ms))
    judged = harness.known.summary["judged"]
    harness.record([replace(each, mismatched=True) for each in traffic(100, start_ms=harness.start_ms)])
    harness.judge_traffic(traffic(100, start_ms=harness.start_ms + 60_000))
    assert harness.known.summary["judged"] == judged + 100
    assert harness.known.summary["guards"][0]["failed"] == 0


def test_a_window_stays_open_while_something_captured_in_it_is_on_its_way(make_harness: Any) -> None:
    harness: JudgeHarness = make_harness()
    entry_id = f"{harness.start_ms}-0"
    harness.redis.execute_command("XADD", keys.captures(harness.name), entry_id, "id", "abcd1234:1")
    harness.judge_traffic(traffic(100, start_ms=harness.start_ms))
    assert harness.known.summary["judged"] == 0
    harness.redis.execute_command("XDEL", keys.captures(harness.name), entry_id)
    harness.judge_now()
    assert harness.known.summary["judged"] == 100


def test_windows_are_not_kept_open_for_ever() -> None:
    spec, now_ms = LaunchSpec("http://a"), 1_763_900_000_000
    assert find_closed_until_ms(now_ms, None, spec) == now_ms - 10_000
    assert find_closed_until_ms(now_ms, now_ms - 60_000, spec) == now_ms - 70_000
    assert find_closed_until_ms(now_ms, now_ms - 86_400_000, spec) == now_ms - 400_000
    assert find_closed_until_ms(now_ms, None, spec, 0) == now_ms
    assert find_closed_until_ms(now_ms, now_ms - 60_000, spec, 2_000) == now_ms - 70_000


def test_windows_are_read_whole_however_much_was_captured(make_harness: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    harness: JudgeHarness = make_harness()
    harness.record(traffic(600, start_ms=harness.start_ms))
    monkeypatch.setattr(windows_module, "MAX_READ_EXCHANGES", 150)  # of windows of 200
    read, at_ms = list[tuple[int, int]](), harness.start_ms - 20_000
    for _ in range(5):
        windows, at_ms = read_windows(harness.connection, harness.name, at_ms, harness.start_ms + 30_000)
        read += [(window.start_ms - harness.start_ms, len(window.exchanges)) for window in windows]
    assert read == [(0, 200), (10_000, 200), (20_000, 200)]


def test_what_goes_wrong_with_us_is_no_evidence(make_harness: Any) -> None:
    harness: JudgeHarness = make_harness(replace(QUICK, mode=JudgeMode.MANUAL))
    harness.record(traffic(60, start_ms=harness.start_ms))
    at_ms = harness.start_ms + 100
    ours = [("dropped", "stale"), ("dropped", "lost_in_redis"), ("dead", "x"), ("shadow_error", "forbidden")]
    findings = [
        ExchangeResult(f"efgh1234:{number * 100 + at}", at_ms, SEARCH, "GET", outcome, reason, build="v1")
        for number, (outcome, reason) in enumerate(ours, 1)
        for at in range(50)
    ]
    findings += [
        ExchangeResult(f"efgh1234:{at}", at_ms, SEARCH, "GET", "unverified", "comparator error: x", build="v1")
        for at in range(1, 51)
    ]
    write_batch(harness.connection, harness.name, findings, WriterCache())
    harness.advance(60)
    mismatch, error, *_ = harness.known.summary["guards"]
    assert (mismatch["failed"], mismatch["n"], error["failed"], error["n"]) == (0, 60, 0, 110)
    assert harness.state.status is LaunchStatus.ACTIVE


@pytest.mark.parametrize(
    ("state", "kind", "known", "counted"),
    [
        ("accepted", "missing", "volatile", 0),
        ("open", "missing", "volatile", 40),
        ("resolved", "type", "volatile", 40),
        *(("open", "value", known, 0) for known in ("volatile", "generated")),
        *(("open", "value", known, 40) for known in ("stable", "exceeded")),
    ],
)
def test_a_difference_that_was_accepted_or_is_noise_is_none(
    make_harness: Any, state: str, kind: str, known: str, counted: int
) -> None:
    harness: JudgeHarness = make_harness(replace(QUICK, mode=JudgeMode.ADVISE))
    harness.record([replace(each, mismatched=True) for each in traffic(40, start_ms=harness.start_ms)])
    run, name = harness.connection.execute, harness.name
    run("UPDATE darklaunch.result SET signature = 'known' WHERE launch = %s", [name])
    run(
        "INSERT INTO darklaunch.signature (launch, fingerprint, endpoint, title, outcome, parts, count, first_seen, "
        "last_seen, state) VALUES (%s, 'known', 'GET /', 'x', 'mismatched', "
        "jsonb_build_array(jsonb_build_object('path', '$.at', 'kind', %s::text)), 40, now(), now(), %s)",
        [name, kind, state],
    )
    run(
        "INSERT INTO darklaunch.noise_place (launch, endpoint, version, path, varied, regenerated, unstable, agreed, "
        "candidate, pos, neg, state) VALUES (%s, 'GET /', 'primary', '$.at', 9, 0, 0, 0, 9, 0, 0, %s)",
        [name, known],
    )
    harness.advance(60)
    assert (harness.known.summary["guards"][0]["failed"], harness.known.summary["judged"]) == (counted, 40)


def record_doubtful(harness: JudgeHarness, seen: Iterator[JudgedExchange]) -> None:
    """Record mismatches in one value of GET /search, of which nobody knows yet whether it is noise."""
    findings = harness.record(seen)
    ids = [each.exchange_id for each in findings if each.outcome == "mismatched" and each.endpoint == SEARCH]
    run = harness.connection.execute
    run(
        "UPDATE darklaunch.result SET signature = 'new' WHERE exchange_id = ANY(%s) AND launch = %s",
        [ids, harness.name],
    )
    run(
        "INSERT INTO darklaunch.signature (launch, fingerprint, endpoint, title, outcome, parts, count, first_seen, "
        "last_seen) VALUES (%s, 'new', %s, 'x', 'mismatched', '[{\"path\": \"$.at\", \"kind\": \"value\"}]', 1, "
        "to_timestamp(%s), now()) ON CONFLICT DO NOTHING",
        [harness.name, SEARCH, harness.start_ms / 1000],
    )


def pairs(harness: JudgeHarness, number: int, varied: int = 0, state: str = "learning") -> None:
    """Have SEARCH's primary asked twice so often, with so many that differ at $.at."""
    run, values = harness.connection.execute, [harness.name, SEARCH]
    run("DELETE FROM darklaunch.noise_endpoint WHERE launch = %s AND endpoint = %s", values)
    run("DELETE FROM darklaunch.noise_place WHERE launch = %s AND endpoint = %s", values)
    run("INSERT INTO darklaunch.noise_endpoint VALUES (%s, %s, 'primary', %s, 0)", [*values, number])
    run(
        "INSERT INTO darklaunch.noise_place VALUES (%s, %s, 'primary', '$.at', %s, 0, 0, 0, %s, %s, 0, %s)",
        [*values, varied, number, number - varied, state],
    )


@pytest.mark.parametrize("noise", [True, False])
def test_a_launch_is_not_condemned_by_what_may_be_noise(make_harness: Any, noise: bool) -> None:
    harness: JudgeHarness = make_harness(replace(QUICK, mode=JudgeMode.MANUAL))
    seen = [replace(each, mismatched=each.endpoint == SEARCH) for each in traffic(300, start_ms=harness.start_ms)]
    record_doubtful(harness, iter(seen))
    pairs(harness, 3, varied=2 if noise else 0)
    harness.advance(40)
    assert (harness.known.summary["judged"], harness.state.status) == (0, LaunchStatus.ACTIVE)
    pairs(harness, 49, *((40, "volatile") if noise else (0, "exceeded")))
    harness.judge_now()
    assert harness.state.status is (LaunchStatus.ACTIVE if noise else LaunchStatus.ROLLED_BACK)
    assert not noise or harness.known.summary["guards"][0]["failed"] == 0


def test_where_a_launch_differs_more_than_by_noise_is_said_when_it_is_condemned(make_harness: Any) -> None:
    harness: JudgeHarness = make_harness(replace(QUICK, mode=JudgeMode.MANUAL))
    pairs(harness, 41)
    run = harness.connection.execute
    run("UPDATE darklaunch.noise_place SET path = '$.total', pos = 10 WHERE launch = %s", [harness.name])
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.5}))
    assert harness.state.status is LaunchStatus.ROLLED_BACK
    (place,) = harness.events[-1].data["places"]
    assert place["what"] == (
        "$.total at GET /search differs more than its noise explains after 41 noise replays; "
        "less than 1 in 100 that this is chance"
    )
    assert harness.known.summary["places"] == [place]
    update_launch(harness.connection, harness.name, LaunchAct("ann", "resumed"), status=LaunchStatus.ACTIVE, hold=False)
    harness.advance(0)
    harness.judge_traffic(traffic(1_000, start_ms=harness.now_ms + 20_000, mismatch={SEARCH: 0.5}))
    assert (harness.known.round_number, harness.known.verdict) == (2, "roll_back")
    assert harness.known.summary["places"] == [], "that was counted before"


@pytest.mark.parametrize(("more_pairs", "later_s"), [(50, 0), (49, 560)])
def test_doubt_ends_after_fifty_pairs_or_ten_minutes(make_harness: Any, more_pairs: int, later_s: float) -> None:
    harness: JudgeHarness = make_harness(replace(QUICK, mode=JudgeMode.ADVISE))
    seen = [replace(each, mismatched=each.endpoint == SEARCH) for each in traffic(300, start_ms=harness.start_ms)]
    record_doubtful(harness, iter(seen))
    pairs(harness, 49)
    harness.advance(40)
    assert not harness.known.summary["judged"]
    pairs(harness, more_pairs)
    harness.advance(later_s)
    assert harness.known.verdict == "roll_back"


def test_what_is_no_doubt_condemns_at_once(make_harness: Any) -> None:
    harness: JudgeHarness = make_harness(replace(QUICK, mode=JudgeMode.MANUAL))
    told = traffic(300, start_ms=harness.start_ms, error=0.3)
    record_doubtful(harness, (replace(each, mismatched=not each.error and each.endpoint == SEARCH) for each in told))
    harness.advance(40)
    assert harness.state.status is LaunchStatus.ROLLED_BACK
    assert harness.known.summary["leading"]["guard"] == "error"


def test_a_paused_launch_is_rolled_back_but_not_raised(make_harness: Any) -> None:
    harness: JudgeHarness = make_harness(percent=1.0)
    update_launch(harness.connection, harness.name, LaunchAct("ann", "paused"), status=LaunchStatus.PAUSED)
    harness.judge_traffic(traffic(500, start_ms=harness.start_ms))
    assert [act for act, _ in harness.acts] == ["paused", "verdict"]
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms + 60_000, mismatch={SEARCH: 0.5}))
    assert harness.state.status is LaunchStatus.ROLLED_BACK


@pytest.mark.parametrize("bad", [{}, {"mismatch": {SEARCH: 0.5}}])
def test_a_launch_on_hold_is_judged_and_left_alone(make_harness: Any, bad: dict[str, Any]) -> None:
    harness: JudgeHarness = make_harness(percent=1.0)
    update_launch(harness.connection, harness.name, LaunchAct("ann", "held"), hold=True)
    harness.judge_traffic(traffic(500, start_ms=harness.start_ms, **bad))
    assert {event.act for event in harness.events} == {"held", "verdict"}
    assert (harness.state.status, harness.state.percent) == (LaunchStatus.ACTIVE, 1.0)
    assert harness.known.summary["move"] == ("roll_back" if bad else "raise")


def test_a_launch_that_people_let_go_on_is_judged_anew(make_harness: Any) -> None:
    harness: JudgeHarness = make_harness()
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.5}))
    assert harness.state.status is LaunchStatus.ROLLED_BACK
    record = update_launch(
        harness.connection, harness.name, LaunchAct("ann", "resumed"), status=LaunchStatus.ACTIVE, hold=False
    )
    publish_launch(harness.redis, record, lift_hold=True)
    harness.advance(0)
    assert (harness.known.round_number, harness.known.verdict) == (2, "insufficient_traffic")
    harness.judge_traffic(traffic(400, start_ms=harness.now_ms + 20_000))
    assert harness.state.status is LaunchStatus.ACTIVE
    assert 0 < harness.known.summary["judged"] <= 400


def test_one_that_was_rolled_back_as_advised_is_judged_anew_when_it_goes_on(make_harness: Any) -> None:
    harness: JudgeHarness = make_harness(replace(QUICK, mode=JudgeMode.ADVISE))
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.5}))
    assert (harness.known.round_number, harness.known.verdict, harness.state.status) == (
        1,
        "roll_back",
        LaunchStatus.ACTIVE,
    )
    advised = LaunchAct("ann", "rolled_back")
    update_launch(harness.connection, harness.name, advised, status=LaunchStatus.ROLLED_BACK, hold=True)
    update_launch(harness.connection, harness.name, LaunchAct("ann", "resumed"), status=LaunchStatus.ACTIVE, hold=False)
    harness.advance(0)
    assert (harness.known.round_number, harness.known.verdict) == (2, "insufficient_traffic")
    harness.advance(60)
    assert harness.known.round_number == 2


def test_other_budgets_begin_the_evidence_anew_and_another_soak_does_not(make_harness: Any) -> None:
    harness: JudgeHarness = make_harness(replace(QUICK, mode=JudgeMode.ADVISE))
    harness.judge_traffic(traffic(100, start_ms=harness.start_ms))
    for change, trial in ((replace(QUICK, mode=JudgeMode.ADVISE, soak_s=99), 1), (JudgePolicy(), 2)):
        spec = replace(harness.state.spec, policy=dump_policy_json(change))
        update_launch(harness.connection, harness.name, LaunchAct("ann", "policy_set"), spec=spec)
        harness.judge_now()
        assert harness.known.round_number == trial


@pytest.mark.parametrize(
    ("change", "trial"),
    [
        ({"rules": '{"ignore": [{"path": "$.at", "reason": "a clock"}]}'}, 2),
        ({"shadow": "http://another:8000"}, 2),
        ({"max_latency_diff_ms": 500.0}, 2),
        ({"noise_percent": 50.0, "control": "http://control:8000", "max_rps": 9.0, "allow": ("POST /search",)}, 1),
    ],
)
def test_other_rules_or_another_shadow_begin_the_evidence_anew(make_harness: Any, change: Any, trial: int) -> None:
    harness: JudgeHarness = make_harness(replace(QUICK, mode=JudgeMode.ADVISE))
    harness.judge_traffic(traffic(100, start_ms=harness.start_ms))
    spec = replace(harness.state.spec, **change)
    update_launch(harness.connection, harness.name, LaunchAct("ann", "changed"), spec=spec)
    harness.judge_now()
    assert harness.known.round_number == trial


def test_what_is_accepted_begins_the_evidence_anew_and_what_reopens_by_itself_does_not(make_harness: Any) -> None:
    harness: JudgeHarness = make_harness(replace(QUICK, mode=JudgeMode.ADVISE))
    record_doubtful(harness, traffic(100, start_ms=harness.start_ms))
    harness.advance(40)
    assert (harness.known.round_number, harness.known.summary["judged"]) == (1, 100)
    for state, actor, trial in (("accepted", "ann", 2), ("open", COMPARATOR, 2), ("accepted", "ann", 3)):
        decide_signatures(harness.connection, harness.name, ["new"], state, actor=actor, reason="so it is meant")
        harness.judge_now()
        assert harness.known.round_number == trial


def test_a_launch_that_was_changed_meanwhile_is_left_alone(make_harness: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    harness: JudgeHarness = make_harness()
    harness.record(traffic(1_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.5}))
    stale = get_launch(harness.connection, harness.name)
    update_launch(harness.connection, harness.name, LaunchAct("ann", "ramped"), percent=50)
    harness.now_ms += 120_000
    monkeypatch.setattr(judge_module, "list_launches", lambda _connection: [stale])
    harness.judge.judge_launches(harness.connection, harness.redis)
    assert [act for act, _ in harness.acts] == ["ramped"]
    assert harness.state.status is LaunchStatus.ACTIVE
    monkeypatch.undo()
    harness.judge_now()
    assert harness.state.status is LaunchStatus.ROLLED_BACK


def test_a_judge_that_wakes_up_late_does_nothing_that_was_done_or_undone_meanwhile(
    make_harness: Any, own_postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It slept between its decision and its act; its connection is gone, another judge acted, and a person undid it."""
    harness: JudgeHarness = make_harness()
    harness.record(traffic(1_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.5}))
    harness.now_ms += 120_000
    make = JudgeActions.make_move

    def sleep_first(*args: Any) -> None:
        monkeypatch.setattr(JudgeActions, "make_move", make)
        with connect_store(own_postgres_dsn, name="darklaunch-test") as other:
            other.execute("SELECT pg_terminate_backend(%s)", [harness.connection.info.backend_pid])
            harness.new_judge().judge_launches(other, harness.redis)
            assert copy(harness).status is LaunchStatus.ROLLED_BACK
            let_go = update_launch(
                other, harness.name, LaunchAct("ann", "resumed"), status=LaunchStatus.ACTIVE, hold=False
            )
            publish_launch(harness.redis, let_go, lift_hold=True)
        make(*args)

    monkeypatch.setattr(JudgeActions, "make_move", sleep_first)
    with pytest.raises(psycopg.OperationalError):
        harness.judge_now()
    assert (copy(harness).status, copy(harness).hold) == (LaunchStatus.ACTIVE, False)
    with connect_store(own_postgres_dsn, name="darklaunch-test") as other:
        events = list_events(other, harness.name, 100)
    assert [event.act for event in events if event.act != "verdict"] == ["resumed", "rolled_back", "started"]
    assert [event.data["verdict"] for event in events if event.act == "verdict"].count("roll_back") == 1


def test_a_person_takes_a_step_that_is_theirs(make_harness: Any) -> None:
    steps = (STEPS[0], replace(STEPS[2], by_hand=True))
    harness: JudgeHarness = make_harness(replace(QUICK, steps=steps), percent=1.0)
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms))
    assert harness.state.percent == 1.0
    assert (harness.known.summary["move"], harness.known.summary["by_hand"]) == ("raise", True)
    update_launch(harness.connection, harness.name, LaunchAct("ann", "ramped"), percent=100)
    harness.judge_traffic(traffic(1_000, start_ms=harness.now_ms))
    assert harness.state.status is LaunchStatus.PROMOTED


def test_a_policy_that_cannot_be_used_stops_one_launch_only(
    make_harness: Any, caplog: pytest.LogCaptureFixture
) -> None:
    harness: JudgeHarness = make_harness()
    spec = replace(harness.state.spec, policy='{"alpha": 0}')
    update_launch(harness.connection, harness.name, LaunchAct("ann", "policy_set"), spec=spec)
    other = JudgeHarness(harness.connection, harness.redis, f"{harness.name}-2", QUICK)
    other.judge_traffic(traffic(400, start_ms=other.start_ms))
    for _ in range(2):
        harness.judge.judge_launches(harness.connection, harness.redis)
    assert "is not judged: the policy cannot be used: alpha: 0" in caplog.text
    assert caplog.text.count("is not judged") == 1
    assert other.known.summary["judged"] > 0


class _Killed(Exception):
    pass


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("mode", [JudgeMode.ADVISE, JudgeMode.AUTO])
def test_a_judge_that_is_killed_anywhere_decides_as_one_that_is_not(
    connection: Connection[Any],
    redis: RedisClient,
    launch_name: str,
    mode: JudgeMode,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance = random.Random(seed)
    policy = replace(QUICK, mode=mode)
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
    assert torn.known.summary == whole.known.summary
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
