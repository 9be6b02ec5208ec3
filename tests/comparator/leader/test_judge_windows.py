"""Which windows are closed, and which results in them are evidence."""

from dataclasses import replace

import pytest
from darklaunch_comparator.judging.policy import JudgeMode
from darklaunch_comparator.leader import judge_windows as windows_module
from darklaunch_comparator.leader.judge_windows import find_closed_until_ms, read_windows
from darklaunch_comparator.results.result import ExchangeResult
from darklaunch_comparator.store.write_batch import write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec, LaunchStatus

from tests.support.judge_harness import QUICK_POLICY, MakeHarness
from tests.support.judge_traffic import ENDPOINTS, traffic

SEARCH = ENDPOINTS[1]


def test_a_late_result_is_counted_but_is_not_evidence(make_harness: MakeHarness) -> None:
    harness = make_harness()
    harness.judge_traffic(traffic(100, start_ms=harness.start_ms))
    judged = harness.judgement.summary["judged"]
    harness.record([replace(each, mismatched=True) for each in traffic(100, start_ms=harness.start_ms)])
    harness.judge_traffic(traffic(100, start_ms=harness.start_ms + 60_000))
    assert harness.judgement.summary["judged"] == judged + 100
    assert harness.judgement.summary["guards"][0]["failed"] == 0


def test_a_window_stays_open_while_an_exchange_of_it_is_in_progress(make_harness: MakeHarness) -> None:
    harness = make_harness()
    entry_id = f"{harness.start_ms}-0"
    harness.redis.execute_command("XADD", keys.captures(harness.name), entry_id, "id", "abcd1234:1")
    harness.judge_traffic(traffic(100, start_ms=harness.start_ms))
    assert harness.judgement.summary["judged"] == 0
    harness.redis.execute_command("XDEL", keys.captures(harness.name), entry_id)
    harness.judge_now()
    assert harness.judgement.summary["judged"] == 100


def test_a_window_closes_at_last_whatever_is_in_progress() -> None:
    spec, now_ms = LaunchSpec("http://a"), 1_763_900_000_000
    assert find_closed_until_ms(now_ms, None, spec) == now_ms - 10_000
    assert find_closed_until_ms(now_ms, now_ms - 60_000, spec) == now_ms - 70_000
    assert find_closed_until_ms(now_ms, now_ms - 86_400_000, spec) == now_ms - 400_000
    assert find_closed_until_ms(now_ms, None, spec, 0) == now_ms
    assert find_closed_until_ms(now_ms, now_ms - 60_000, spec, 2_000) == now_ms - 70_000


def test_windows_are_read_whole_however_much_was_captured(
    make_harness: MakeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = make_harness()
    harness.record(traffic(600, start_ms=harness.start_ms))
    monkeypatch.setattr(windows_module, "MAX_READ_EXCHANGES", 150)  # of windows of 200
    read, at_ms = list[tuple[int, int]](), harness.start_ms - 20_000
    for _ in range(5):
        windows, at_ms = read_windows(harness.connection, harness.name, at_ms, harness.start_ms + 30_000)
        read += [(window.start_ms - harness.start_ms, len(window.exchanges)) for window in windows]
    assert read == [(0, 200), (10_000, 200), (20_000, 200)]


def test_what_delays_the_primary_as_much_is_told_apart_from_a_slow_shadow(make_harness: MakeHarness) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.MANUAL))
    usual = next(traffic(1, start_ms=harness.start_ms))
    given = [
        replace(usual, primary_ms=20, shadow_ms=30),
        replace(usual, primary_ms=20, shadow_ms=2_500, slow=True),
        replace(usual, primary_ms=2_500, shadow_ms=20),
        replace(usual, primary_ms=5_500, shadow_ms=7_000, compared=False, error=True, clock=None),
        replace(usual, primary_ms=20, shadow_ms=7_000, compared=False, error=True, clock=None, slow=True),
    ]
    harness.record(replace(each, at_ms=each.at_ms + nth) for nth, each in enumerate(given))
    read, _ = read_windows(harness.connection, harness.name, harness.start_ms, harness.start_ms + 10_000)
    seen = [(each.slow, each.stalled) for window in read for each in window.exchanges]
    assert seen == [(False, False), (True, False), (False, True), (False, True), (True, False)]


def test_our_own_failures_are_not_evidence(make_harness: MakeHarness) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.MANUAL))
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
    mismatch, error, *_ = harness.judgement.summary["guards"]
    assert (mismatch["failed"], mismatch["n"], error["failed"], error["n"]) == (0, 60, 0, 110)
    assert harness.state.status is LaunchStatus.ACTIVE


@pytest.mark.parametrize(
    ("state", "kind", "known", "counted"),
    [
        ("accepted", "missing", "volatile", 0),
        ("open", "missing", "volatile", 0),
        ("open", "missing", "exceeded", 40),
        ("resolved", "type", "exceeded", 40),
        *(("open", "value", known, 0) for known in ("volatile", "measured", "generated")),
        *(("open", "value", known, 40) for known in ("stable", "exceeded")),
    ],
)
def test_an_accepted_difference_and_noise_are_not_mismatches(
    make_harness: MakeHarness, state: str, kind: str, known: str, counted: int
) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.ADVISE))
    harness.record([replace(each, mismatched=True) for each in traffic(40, start_ms=harness.start_ms)])
    run, name = harness.connection.execute, harness.name
    run("UPDATE darklaunch.result SET signature = 'known' WHERE launch = %s", [name])
    run(
        "INSERT INTO darklaunch.signature (launch, fingerprint, endpoint, title, outcome, parts, count, first_seen, "
        "last_seen, state) VALUES (%s, 'known', 'GET /', 'x', 'mismatched', "
        "jsonb_build_array(jsonb_build_object('path', '$.at', 'kind', %s::text)), 40, now(), now(), %s)",
        [name, kind, state],
    )
    run("INSERT INTO darklaunch.noise_endpoint VALUES (%s, 'GET /', 'primary', 9, 0)", [name])
    run(
        "INSERT INTO darklaunch.noise_place (launch, endpoint, version, path, aspect, all_differ, state) "
        "VALUES (%s, 'GET /', 'primary', '$.at', darklaunch.noise_aspect(%s), 9, %s)",
        [name, kind, known],
    )
    harness.advance(60)
    assert (harness.judgement.summary["guards"][0]["failed"], harness.judgement.summary["judged"]) == (counted, 40)
