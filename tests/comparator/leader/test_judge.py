"""The judge with a real Postgres and Redis: what it reads, what it does, and that stopping it changes nothing."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from darklaunch_comparator.control.publish import publish_launch
from darklaunch_comparator.judging.policy import FailureBudgets, JudgeMode, JudgePolicy, RampStep
from darklaunch_comparator.judging.policy_file import check_policy, write_policy
from darklaunch_comparator.judging.window import JudgedExchange
from darklaunch_comparator.leader import judge as judge_module
from darklaunch_comparator.leader import judge_windows as windows_module
from darklaunch_comparator.leader.judge_actions import JudgeActions
from darklaunch_comparator.leader.judge_windows import closed_until_ms, read_windows
from darklaunch_comparator.results.result import ExchangeResult
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.launches import LaunchAct, get_launch, list_events, update_launch
from darklaunch_comparator.store.signatures import COMPARATOR, decide_signatures
from darklaunch_comparator.store.write_batch import write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus, parse_state
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import pair_fields
from psycopg import Connection

from tests.support.court import Court
from tests.support.judge_traffic import ENDPOINTS, traffic

SEARCH = ENDPOINTS[1]
STEPS = (RampStep(1, 0.05, 100), RampStep(10, 0.02, 200), RampStep(100, 0.01, 300))
QUICK = JudgePolicy(
    mode=JudgeMode.AUTO, steps=STEPS, soak_s=10, budgets=FailureBudgets(0.01, 0.01, 0.01), endpoint_bound=0.05
)


def copy(court: Court) -> LaunchState:
    """Give what hooks and workers see."""
    return parse_state(court.name, pair_fields(court.redis.execute_command("HGETALL", keys.launch(court.name))))


@pytest.fixture
def courts(connection: Connection[Any], redis: RedisClient, launch_name: str) -> Iterator[Any]:
    def court(policy: JudgePolicy = QUICK, **more: Any) -> Court:
        return Court(connection, redis, launch_name, policy, **more)

    return court  # type: ignore[return-value]


def test_a_good_launch_is_raised_step_by_step_and_promoted(courts: Any) -> None:
    court: Court = courts(percent=1.0)
    court.hear(traffic(2_000, start_ms=court.start_ms))
    acts = [(event.act, event.data.get("percent", {}).get("to")) for event in court.events]
    assert acts == [("verdict", None), ("ramped", 10.0), ("ramped", 100.0), ("verdict", None), ("promoted", None)]
    assert {event.actor for event in court.events} == {"judge"}
    assert court.events[1].reason == "every rate is shown to be below its bound at 1 %: on to 10 %"
    assert court.events[-1].reason.startswith("no guard objects after ")
    assert court.state.status is LaunchStatus.PROMOTED and copy(court) == court.state
    assert court.known.verdict == "promote"


def test_a_bad_launch_is_rolled_back_with_all_it_rests_on(courts: Any) -> None:
    court: Court = courts(replace(QUICK, mode=JudgeMode.MANUAL))
    court.hear(traffic(2_000, start_ms=court.start_ms, mismatch={SEARCH: 0.2}))
    *_, verdict, act = court.events
    assert (verdict.act, act.act, act.actor) == ("verdict", "rolled_back", "judge")
    assert act.reason.startswith(f"{SEARCH} differs in 2")
    assert "(budget 1 %), evidence " in act.reason
    assert (court.state.status, court.state.hold) == (LaunchStatus.ROLLED_BACK, True)
    assert copy(court) == court.state
    data = act.data
    assert data["verdict"] == "roll_back" and data["leading"]["endpoint"] == SEARCH and data["build"] == "v1"
    assert check_policy(data["policy"]).mode is JudgeMode.MANUAL
    assert len(data["rules"]) == 16 and data["trial"] == 1
    assert [each["guard"] for each in data["guards"]] == ["mismatch", "error", "slow", "p50", "p95", "p99"]
    assert data["guards"][4]["threshold_ms"] > 10 or data["judged"] < 200


def test_a_judge_that_may_only_advise_does_nothing(courts: Any) -> None:
    court: Court = courts(replace(QUICK, mode=JudgeMode.ADVISE))
    court.hear(traffic(2_000, start_ms=court.start_ms, mismatch={SEARCH: 0.2}))
    assert [event.act for event in court.events] == ["verdict", "verdict"]
    assert court.known.verdict == "roll_back"
    assert court.state.status is LaunchStatus.ACTIVE and court.state.percent == 100.0
    spec = replace(court.state.spec, policy=write_policy(replace(QUICK, mode=JudgeMode.MANUAL)))
    update_launch(court.connection, court.name, LaunchAct("ann", "policy_set"), spec=spec)
    court.look()
    assert court.state.status is LaunchStatus.ROLLED_BACK, "it was condemned already"


def test_a_result_that_is_late_is_counted_but_is_no_evidence_any_more(courts: Any) -> None:
    court: Court = courts()
    court.hear(traffic(100, start_ms=court.start_ms))
    judged = court.known.summary["judged"]
    court.record([replace(each, mismatched=True) for each in traffic(100, start_ms=court.start_ms)])
    court.hear(traffic(100, start_ms=court.start_ms + 60_000))
    assert court.known.summary["judged"] == judged + 100
    assert court.known.summary["guards"][0]["failed"] == 0


def test_a_window_stays_open_while_something_captured_in_it_is_on_its_way(courts: Any) -> None:
    court: Court = courts()
    entry_id = f"{court.start_ms}-0"
    court.redis.execute_command("XADD", keys.captures(court.name), entry_id, "id", "abcd1234:1")
    court.hear(traffic(100, start_ms=court.start_ms))
    assert court.known.summary["judged"] == 0
    court.redis.execute_command("XDEL", keys.captures(court.name), entry_id)
    court.look()
    assert court.known.summary["judged"] == 100


def test_windows_are_not_kept_open_for_ever() -> None:
    spec, now_ms = LaunchSpec("http://a"), 1_763_900_000_000
    assert closed_until_ms(now_ms, None, spec) == now_ms - 10_000
    assert closed_until_ms(now_ms, now_ms - 60_000, spec) == now_ms - 70_000
    assert closed_until_ms(now_ms, now_ms - 86_400_000, spec) == now_ms - 400_000
    assert closed_until_ms(now_ms, None, spec, 0) == now_ms
    assert closed_until_ms(now_ms, now_ms - 60_000, spec, 2_000) == now_ms - 70_000


def test_windows_are_read_whole_however_much_was_captured(courts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    court: Court = courts()
    court.record(traffic(600, start_ms=court.start_ms))
    monkeypatch.setattr(windows_module, "MOST", 150)  # of windows of 200
    read, at_ms = list[tuple[int, int]](), court.start_ms - 20_000
    for _ in range(5):
        windows, at_ms = read_windows(court.connection, court.name, at_ms, court.start_ms + 30_000)
        read += [(start_ms - court.start_ms, len(seen)) for start_ms, seen in windows]
    assert read == [(0, 200), (10_000, 200), (20_000, 200)]


def test_what_goes_wrong_with_us_is_no_evidence(courts: Any) -> None:
    court: Court = courts(replace(QUICK, mode=JudgeMode.MANUAL))
    court.record(traffic(60, start_ms=court.start_ms))
    at_ms = court.start_ms + 100
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
    write_batch(court.connection, court.name, findings, WriterCache())
    court.pass_(60)
    mismatch, error, *_ = court.known.summary["guards"]
    assert (mismatch["failed"], mismatch["n"], error["failed"], error["n"]) == (0, 60, 0, 110)
    assert court.state.status is LaunchStatus.ACTIVE


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
    courts: Any, state: str, kind: str, known: str, counted: int
) -> None:
    court: Court = courts(replace(QUICK, mode=JudgeMode.ADVISE))
    court.record([replace(each, mismatched=True) for each in traffic(40, start_ms=court.start_ms)])
    run, name = court.connection.execute, court.name
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
    court.pass_(60)
    assert (court.known.summary["guards"][0]["failed"], court.known.summary["judged"]) == (counted, 40)


def in_doubt(court: Court, seen: Iterator[JudgedExchange]) -> None:
    """Record mismatches in one value of GET /search, of which nobody knows yet whether it is noise."""
    findings = court.record(seen)
    ids = [each.exchange_id for each in findings if each.outcome == "mismatched" and each.endpoint == SEARCH]
    run = court.connection.execute
    run("UPDATE darklaunch.result SET signature = 'new' WHERE exchange_id = ANY(%s) AND launch = %s", [ids, court.name])
    run(
        "INSERT INTO darklaunch.signature (launch, fingerprint, endpoint, title, outcome, parts, count, first_seen, "
        "last_seen) VALUES (%s, 'new', %s, 'x', 'mismatched', '[{\"path\": \"$.at\", \"kind\": \"value\"}]', 1, "
        "to_timestamp(%s), now()) ON CONFLICT DO NOTHING",
        [court.name, SEARCH, court.start_ms / 1000],
    )


def pairs(court: Court, number: int, varied: int = 0, state: str = "learning") -> None:
    """Have SEARCH's primary asked twice so often, with so many that differ at $.at."""
    run, values = court.connection.execute, [court.name, SEARCH]
    run("DELETE FROM darklaunch.noise_endpoint WHERE launch = %s AND endpoint = %s", values)
    run("DELETE FROM darklaunch.noise_place WHERE launch = %s AND endpoint = %s", values)
    run("INSERT INTO darklaunch.noise_endpoint VALUES (%s, %s, 'primary', %s, 0)", [*values, number])
    run(
        "INSERT INTO darklaunch.noise_place VALUES (%s, %s, 'primary', '$.at', %s, 0, 0, 0, %s, %s, 0, %s)",
        [*values, varied, number, number - varied, state],
    )


@pytest.mark.parametrize("noise", [True, False])
def test_a_launch_is_not_condemned_by_what_may_be_noise(courts: Any, noise: bool) -> None:
    court: Court = courts(replace(QUICK, mode=JudgeMode.MANUAL))
    seen = [replace(each, mismatched=each.endpoint == SEARCH) for each in traffic(300, start_ms=court.start_ms)]
    in_doubt(court, iter(seen))
    pairs(court, 3, varied=2 if noise else 0)
    court.pass_(40)
    assert (court.known.summary["judged"], court.state.status) == (0, LaunchStatus.ACTIVE)
    pairs(court, 49, *((40, "volatile") if noise else (0, "exceeded")))
    court.look()
    assert court.state.status is (LaunchStatus.ACTIVE if noise else LaunchStatus.ROLLED_BACK)
    assert not noise or court.known.summary["guards"][0]["failed"] == 0


def test_where_a_launch_differs_more_than_by_noise_is_said_when_it_is_condemned(courts: Any) -> None:
    court: Court = courts(replace(QUICK, mode=JudgeMode.MANUAL))
    pairs(court, 41)
    run = court.connection.execute
    run("UPDATE darklaunch.noise_place SET path = '$.total', pos = 10 WHERE launch = %s", [court.name])
    court.hear(traffic(1_000, start_ms=court.start_ms, mismatch={SEARCH: 0.5}))
    assert court.state.status is LaunchStatus.ROLLED_BACK
    (place,) = court.events[-1].data["places"]
    assert place["what"] == "$.total differs more than its own noise at GET /search: 142 : 1 after 41 pairs"
    assert court.known.summary["places"] == [place]
    update_launch(court.connection, court.name, LaunchAct("ann", "resumed"), status=LaunchStatus.ACTIVE, hold=False)
    court.pass_(0)
    court.hear(traffic(1_000, start_ms=court.now_ms + 20_000, mismatch={SEARCH: 0.5}))
    assert (court.known.trial, court.known.verdict) == (2, "roll_back")
    assert court.known.summary["places"] == [], "that was counted before"


@pytest.mark.parametrize(("more_pairs", "later_s"), [(50, 0), (49, 560)])
def test_doubt_ends_after_fifty_pairs_or_ten_minutes(courts: Any, more_pairs: int, later_s: float) -> None:
    court: Court = courts(replace(QUICK, mode=JudgeMode.ADVISE))
    seen = [replace(each, mismatched=each.endpoint == SEARCH) for each in traffic(300, start_ms=court.start_ms)]
    in_doubt(court, iter(seen))
    pairs(court, 49)
    court.pass_(40)
    assert not court.known.summary["judged"]
    pairs(court, more_pairs)
    court.pass_(later_s)
    assert court.known.verdict == "roll_back"


def test_what_is_no_doubt_condemns_at_once(courts: Any) -> None:
    court: Court = courts(replace(QUICK, mode=JudgeMode.MANUAL))
    told = traffic(300, start_ms=court.start_ms, error=0.3)
    in_doubt(court, (replace(each, mismatched=not each.error and each.endpoint == SEARCH) for each in told))
    court.pass_(40)
    assert court.state.status is LaunchStatus.ROLLED_BACK
    assert court.known.summary["leading"]["guard"] == "error"


def test_a_paused_launch_is_rolled_back_but_not_raised(courts: Any) -> None:
    court: Court = courts(percent=1.0)
    update_launch(court.connection, court.name, LaunchAct("ann", "paused"), status=LaunchStatus.PAUSED)
    court.hear(traffic(500, start_ms=court.start_ms))
    assert [act for act, _ in court.acts] == ["paused", "verdict"]
    court.hear(traffic(1_000, start_ms=court.start_ms + 60_000, mismatch={SEARCH: 0.5}))
    assert court.state.status is LaunchStatus.ROLLED_BACK


@pytest.mark.parametrize("bad", [{}, {"mismatch": {SEARCH: 0.5}}])
def test_a_launch_on_hold_is_judged_and_left_alone(courts: Any, bad: dict[str, Any]) -> None:
    court: Court = courts(percent=1.0)
    update_launch(court.connection, court.name, LaunchAct("ann", "held"), hold=True)
    court.hear(traffic(500, start_ms=court.start_ms, **bad))
    assert {event.act for event in court.events} == {"held", "verdict"}
    assert (court.state.status, court.state.percent) == (LaunchStatus.ACTIVE, 1.0)
    assert court.known.summary["move"] == ("roll_back" if bad else "raise")


def test_a_launch_that_people_let_go_on_is_judged_anew(courts: Any) -> None:
    court: Court = courts()
    court.hear(traffic(1_000, start_ms=court.start_ms, mismatch={SEARCH: 0.5}))
    assert court.state.status is LaunchStatus.ROLLED_BACK
    record = update_launch(
        court.connection, court.name, LaunchAct("ann", "resumed"), status=LaunchStatus.ACTIVE, hold=False
    )
    publish_launch(court.redis, record, lift_hold=True)
    court.pass_(0)
    assert (court.known.trial, court.known.verdict) == (2, "insufficient_traffic")
    court.hear(traffic(400, start_ms=court.now_ms + 20_000))
    assert court.state.status is LaunchStatus.ACTIVE
    assert 0 < court.known.summary["judged"] <= 400


def test_one_that_was_rolled_back_as_advised_is_judged_anew_when_it_goes_on(courts: Any) -> None:
    court: Court = courts(replace(QUICK, mode=JudgeMode.ADVISE))
    court.hear(traffic(1_000, start_ms=court.start_ms, mismatch={SEARCH: 0.5}))
    assert (court.known.trial, court.known.verdict, court.state.status) == (1, "roll_back", LaunchStatus.ACTIVE)
    advised = LaunchAct("ann", "rolled_back")
    update_launch(court.connection, court.name, advised, status=LaunchStatus.ROLLED_BACK, hold=True)
    update_launch(court.connection, court.name, LaunchAct("ann", "resumed"), status=LaunchStatus.ACTIVE, hold=False)
    court.pass_(0)
    assert (court.known.trial, court.known.verdict) == (2, "insufficient_traffic")
    court.pass_(60)
    assert court.known.trial == 2


def test_other_budgets_begin_the_evidence_anew_and_another_soak_does_not(courts: Any) -> None:
    court: Court = courts(replace(QUICK, mode=JudgeMode.ADVISE))
    court.hear(traffic(100, start_ms=court.start_ms))
    for change, trial in ((replace(QUICK, mode=JudgeMode.ADVISE, soak_s=99), 1), (JudgePolicy(), 2)):
        spec = replace(court.state.spec, policy=write_policy(change))
        update_launch(court.connection, court.name, LaunchAct("ann", "policy_set"), spec=spec)
        court.look()
        assert court.known.trial == trial


@pytest.mark.parametrize(
    ("change", "trial"),
    [
        ({"rules": '{"ignore": [{"path": "$.at", "reason": "a clock"}]}'}, 2),
        ({"shadow": "http://another:8000"}, 2),
        ({"max_latency_diff_ms": 500.0}, 2),
        ({"noise_percent": 50.0, "control": "http://control:8000", "max_rps": 9.0, "allow": ("POST /search",)}, 1),
    ],
)
def test_other_rules_or_another_shadow_begin_the_evidence_anew(courts: Any, change: Any, trial: int) -> None:
    court: Court = courts(replace(QUICK, mode=JudgeMode.ADVISE))
    court.hear(traffic(100, start_ms=court.start_ms))
    spec = replace(court.state.spec, **change)
    update_launch(court.connection, court.name, LaunchAct("ann", "changed"), spec=spec)
    court.look()
    assert court.known.trial == trial


def test_what_is_accepted_begins_the_evidence_anew_and_what_reopens_by_itself_does_not(courts: Any) -> None:
    court: Court = courts(replace(QUICK, mode=JudgeMode.ADVISE))
    in_doubt(court, traffic(100, start_ms=court.start_ms))
    court.pass_(40)
    assert (court.known.trial, court.known.summary["judged"]) == (1, 100)
    for state, actor, trial in (("accepted", "ann", 2), ("open", COMPARATOR, 2), ("accepted", "ann", 3)):
        decide_signatures(court.connection, court.name, ["new"], state, actor=actor, reason="so it is meant")
        court.look()
        assert court.known.trial == trial


def test_a_launch_that_was_changed_meanwhile_is_left_alone(courts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    court: Court = courts()
    court.record(traffic(1_000, start_ms=court.start_ms, mismatch={SEARCH: 0.5}))
    stale = get_launch(court.connection, court.name)
    update_launch(court.connection, court.name, LaunchAct("ann", "ramped"), percent=50)
    court.now_ms += 120_000
    monkeypatch.setattr(judge_module, "list_launches", lambda _connection: [stale])
    court.judge.attend(court.connection, court.redis)
    assert [act for act, _ in court.acts] == ["ramped"]
    assert court.state.status is LaunchStatus.ACTIVE
    monkeypatch.undo()
    court.look()
    assert court.state.status is LaunchStatus.ROLLED_BACK


def test_a_judge_that_wakes_up_late_does_nothing_that_was_done_or_undone_meanwhile(
    courts: Any, own_postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It slept between its decision and its act; its connection is gone, another judge acted, and a person undid it."""
    court: Court = courts()
    court.record(traffic(1_000, start_ms=court.start_ms, mismatch={SEARCH: 0.5}))
    court.now_ms += 120_000
    make = JudgeActions.make

    def sleep_first(*args: Any) -> None:
        monkeypatch.setattr(JudgeActions, "make", make)
        with connect_store(own_postgres_dsn, name="darklaunch-test") as other:
            other.execute("SELECT pg_terminate_backend(%s)", [court.connection.info.backend_pid])
            court.new_judge().attend(other, court.redis)
            assert copy(court).status is LaunchStatus.ROLLED_BACK
            let_go = update_launch(
                other, court.name, LaunchAct("ann", "resumed"), status=LaunchStatus.ACTIVE, hold=False
            )
            publish_launch(court.redis, let_go, lift_hold=True)
        make(*args)

    monkeypatch.setattr(JudgeActions, "make", sleep_first)
    with pytest.raises(psycopg.OperationalError):
        court.look()
    assert (copy(court).status, copy(court).hold) == (LaunchStatus.ACTIVE, False)
    with connect_store(own_postgres_dsn, name="darklaunch-test") as other:
        events = list_events(other, court.name, 100)
    assert [event.act for event in events if event.act != "verdict"] == ["resumed", "rolled_back", "started"]
    assert [event.data["verdict"] for event in events if event.act == "verdict"].count("roll_back") == 1


def test_a_person_takes_a_step_that_is_theirs(courts: Any) -> None:
    steps = (STEPS[0], replace(STEPS[2], by_hand=True))
    court: Court = courts(replace(QUICK, steps=steps), percent=1.0)
    court.hear(traffic(1_000, start_ms=court.start_ms))
    assert court.state.percent == 1.0
    assert (court.known.summary["move"], court.known.summary["by_hand"]) == ("raise", True)
    update_launch(court.connection, court.name, LaunchAct("ann", "ramped"), percent=100)
    court.hear(traffic(1_000, start_ms=court.now_ms))
    assert court.state.status is LaunchStatus.PROMOTED


def test_a_policy_that_cannot_be_used_stops_one_launch_only(courts: Any, caplog: pytest.LogCaptureFixture) -> None:
    court: Court = courts()
    spec = replace(court.state.spec, policy='{"alpha": 0}')
    update_launch(court.connection, court.name, LaunchAct("ann", "policy_set"), spec=spec)
    other = Court(court.connection, court.redis, f"{court.name}-2", QUICK)
    other.hear(traffic(400, start_ms=other.start_ms))
    for _ in range(2):
        court.judge.attend(court.connection, court.redis)
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
    whole, torn = (Court(connection, redis, f"{launch_name}-{each}", policy, percent=1.0) for each in ("a", "b"))
    torn.start_ms = torn.now_ms = whole.start_ms
    good = list(traffic(1_500, start_ms=whole.start_ms, seed=seed))
    bad = list(traffic(800, start_ms=good[-1].at_ms + 1, seed=seed, build="v2", mismatch={SEARCH: 0.1}))
    seen: list[JudgedExchange] = good + bad if mode is JudgeMode.ADVISE else good
    whole.hear(iter(seen))

    monkeypatch.setattr(judge_module, "save_judge_state", _dying(chance, judge_module.save_judge_state))
    monkeypatch.setattr(JudgeActions, "make", _dying(chance, JudgeActions.make))
    kills = 0

    def look() -> None:
        nonlocal kills
        while True:
            try:
                torn.judge = torn.new_judge()
                Court.look(torn)
                return
            except _Killed:
                kills += 1

    monkeypatch.setattr(torn, "look", look)
    torn.hear(iter(seen))
    assert kills > 5
    assert [_said(event.data) for event in torn.events] == [_said(event.data) for event in whole.events]
    assert torn.acts == whole.acts
    assert torn.known.summary == whole.known.summary
    evidence = "SELECT build, endpoint, found, state FROM darklaunch.evidence WHERE launch = %s ORDER BY 1, 2"
    one, other = (connection.execute(evidence, [court.name]).fetchall() for court in (whole, torn))
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
