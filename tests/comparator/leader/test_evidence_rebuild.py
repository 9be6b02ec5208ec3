"""What becomes known of stored mismatches changes the evidence at once, costs no exchange and touches nothing else."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from darklaunch_comparator.judging.policy import JudgeMode, LatencyWaiver
from darklaunch_comparator.leader import judge_turn as turn_module
from darklaunch_comparator.leader.noise_learner import NoiseLearner
from darklaunch_comparator.pipeline.assess import assess_entry
from darklaunch_comparator.store.signatures import COMPARATOR, decide_signatures
from darklaunch_comparator.store.write_batch import write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_shared.wire.fields import Fields

from tests.support.exchanges import RULES, asked_twice, exchange, replayed
from tests.support.judge_harness import QUICK_POLICY, JudgeHarness, MakeHarness, record_doubtful
from tests.support.judge_traffic import ENDPOINTS, traffic

ADVISE = replace(QUICK_POLICY, mode=JudgeMode.ADVISE, waive_latency=LatencyWaiver("not what is tested", "ann"))
CART = "POST /cart"
ORDER = "POST /orders"
SEARCH = ENDPOINTS[1]
OWNER = "0f8fad5b-d9cb-469f-a165-70867728950e"
STRANGER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def record(harness: JudgeHarness, entries: Iterable[Fields]) -> None:
    """Compare and record entries, then let the leader learn, as the comparators do."""
    results = [assess_entry(harness.name, entry, RULES) for entry in entries]
    assert write_batch(harness.connection, harness.name, results, WriterCache()).inserted == len(results)
    NoiseLearner().learn_noise(harness.connection, harness.redis)


def replay_two_endpoints(harness: JudgeHarness, *, wrong_orders: bool, n: int = 400) -> list[Fields]:
    """Replay as many requests of both; the cart's currency always differs, an order's total if it is wrong."""
    entries: list[Fields] = []
    for seq in range(1, n + 1):
        endpoint = CART if seq % 2 else ORDER
        body = {"total": 42, "currency": "EUR"}
        at_ms = harness.start_ms + 100 * seq
        captured = exchange(harness.name, seq, producer="shop", endpoint=endpoint, at_ms=at_ms, body=body)
        shadow = body | ({"currency": "eur"} if endpoint == CART else {"total": 0} if wrong_orders else {})
        entries.append(replayed(captured, body=shadow))
    return entries


def decide(harness: JudgeHarness, endpoint: str, state: str, actor: str = "ann") -> None:
    query = "SELECT fingerprint FROM darklaunch.signature WHERE launch = %s AND endpoint = %s"
    fingerprints = [row[0] for row in harness.connection.execute(query, [harness.name, endpoint])]
    assert len(fingerprints) == 1
    decide_signatures(harness.connection, harness.name, fingerprints, state, actor=actor, reason="so it is meant")
    harness.judge_now()


def read_evidence(harness: JudgeHarness, *endpoints: str) -> list[tuple[Any, ...]]:
    query = "SELECT endpoint, state FROM darklaunch.evidence WHERE launch = %s AND endpoint = ANY(%s) ORDER BY endpoint"
    return harness.connection.execute(query, [harness.name, list(endpoints)]).fetchall()


def test_accepting_a_group_keeps_all_evidence_about_another_endpoint(make_harness: MakeHarness) -> None:
    harness = make_harness(ADVISE)
    record(harness, replay_two_endpoints(harness, wrong_orders=True))
    harness.advance(90)
    judged = harness.judgement.summary["judged"]
    about_orders = read_evidence(harness, ORDER)
    assert (judged, harness.judgement.verdict) == (400, "roll_back")
    assert [each["endpoint"] for each in harness.judgement.summary["guilty"]] == [CART, ORDER]

    decide(harness, CART, "accepted")

    assert (harness.judgement.round_number, harness.judgement.verdict) == (1, "roll_back")
    summary = harness.judgement.summary
    assert summary["judged"] == judged
    assert [each["endpoint"] for each in summary["guilty"]] == [ORDER]
    assert summary["leading"]["endpoint"] == ORDER
    assert read_evidence(harness, ORDER) == about_orders
    assert summary["guards"][0]["failed"] == 200


def test_what_a_person_accepts_and_reopens_clears_and_accuses_again_at_once(make_harness: MakeHarness) -> None:
    harness = make_harness(ADVISE)
    record(harness, replay_two_endpoints(harness, wrong_orders=False))
    harness.advance(90)
    before = read_evidence(harness, "", CART, ORDER)
    assert harness.judgement.verdict == "roll_back"

    decide(harness, CART, "accepted")
    assert harness.judgement.verdict == "keep_watching"
    assert (harness.judgement.summary["judged"], harness.judgement.summary["guards"][0]["failed"]) == (400, 0)
    assert harness.judgement.summary["guilty"] == []

    decide(harness, CART, "open")
    assert harness.judgement.verdict == "roll_back"
    assert (harness.judgement.round_number, read_evidence(harness, "", CART, ORDER)) == (1, before)


def test_a_group_that_the_comparator_opens_again_changes_nothing_that_was_judged(make_harness: MakeHarness) -> None:
    harness = make_harness(ADVISE)
    record(harness, replay_two_endpoints(harness, wrong_orders=False))
    harness.advance(90)
    decide(harness, CART, "accepted")
    decide(harness, CART, "open", actor=COMPARATOR)
    assert harness.judgement.verdict == "keep_watching"


def test_a_large_round_is_judged_again_over_several_turns_and_decides_nothing_meanwhile(
    make_harness: MakeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = make_harness(ADVISE)
    record(harness, replay_two_endpoints(harness, wrong_orders=False))
    harness.judge_traffic(traffic(200, start_ms=harness.start_ms + 1_500_000, build=""), every_s=600)
    assert harness.judgement.summary["judged"] == 600
    monkeypatch.setattr(turn_module, "MAX_TURN_S", 0.0)

    decide(harness, CART, "accepted")
    assert (harness.judgement.verdict, harness.judgement.summary["judged"]) == ("roll_back", 600)
    turns = 0
    while harness.judgement.verdict == "roll_back" and turns < 10:
        turns += 1
        harness.judge_now()

    assert 0 < turns < 10
    assert harness.judgement.summary["judged"] == 600
    assert harness.judgement.summary["guards"][0]["failed"] == 0


def make_time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


@pytest.mark.parametrize("values", ["ids", "times"])
def test_an_excused_value_counts_as_a_mismatch_once_the_baseline_shows_that_it_is_one(
    make_harness: MakeHarness, values: str
) -> None:
    """A wrong id looks like one that is made up each time, a wrong time like one that moves with the clock."""
    harness = make_harness(ADVISE)
    excused: list[Fields] = []
    witnessed: list[Fields] = []
    for seq in range(1, 126):
        at_ms = harness.start_ms + 200 * seq
        primary = {"owner": OWNER} if values == "ids" else {"paid_at": make_time(at_ms)}
        shadow = {"owner": STRANGER} if values == "ids" else {"paid_at": make_time(at_ms + 50)}
        order = exchange(harness.name, seq, producer="witness", body=primary, at_ms=at_ms)
        excused.append(replayed(order, body=shadow))
        witnessed.append(asked_twice(order, again=primary))
    record(harness, excused[:100])
    harness.advance(50)
    assert (harness.judgement.summary["judged"], harness.judgement.summary["guards"][0]["failed"]) == (100, 0)

    record(harness, witnessed[100:])
    harness.advance(10)

    assert (harness.judgement.round_number, harness.judgement.verdict) == (1, "roll_back")
    assert harness.judgement.summary["guards"][0]["failed"] == 100
    assert harness.judgement.summary["judged"] == 125


def test_an_id_that_never_differed_is_no_mismatch_when_the_baseline_repeats_it(make_harness: MakeHarness) -> None:
    harness = make_harness(ADVISE)
    orders = [
        exchange(harness.name, seq, producer="witness", body={"owner": OWNER}, at_ms=harness.start_ms + 200 * seq)
        for seq in range(1, 31)
    ]
    record(harness, [asked_twice(order, again={"owner": OWNER}) for order in orders])
    harness.advance(40)
    assert (harness.judgement.summary["judged"], harness.judgement.summary["guards"][0]["failed"]) == (30, 0)


@pytest.mark.parametrize(("state", "failed"), [("exceeded", 100), ("volatile", 0)])
def test_mismatches_left_out_while_they_may_be_noise_are_counted_once_that_is_known(
    make_harness: MakeHarness, state: str, failed: int
) -> None:
    harness = make_harness(ADVISE)
    seen = [replace(each, mismatched=each.endpoint == SEARCH) for each in traffic(300, start_ms=harness.start_ms)]
    record_doubtful(harness, SEARCH, iter(seen))
    wrong = sum(each.mismatched for each in seen)
    set_place_state(harness, "learning", shadow_odd=1, all_differ=1)
    harness.advance(200)
    compared = harness.judgement.summary["guards"][0]["n"]
    assert (compared, harness.judgement.summary["judged"]) == (300 - wrong, 300)
    harness.advance(2 * 3_600)
    assert harness.judgement.summary["guards"][0]["n"] == compared, "nothing is known of it two hours later either"

    set_place_state(harness, state, shadow_odd=9, all_differ=1)
    harness.judge_now()

    guard = harness.judgement.summary["guards"][0]
    assert (guard["n"], guard["failed"]) == (300, wrong if failed else 0)
    assert harness.judgement.verdict == ("roll_back" if failed else "keep_watching")


def set_place_state(harness: JudgeHarness, state: str, **counts: int) -> None:
    run, values = harness.connection.execute, [harness.name, SEARCH]
    run("DELETE FROM darklaunch.noise_place WHERE launch = %s AND endpoint = %s", values)
    run(
        "INSERT INTO darklaunch.noise_endpoint VALUES (%s, %s, 'primary', 141, 0) ON CONFLICT DO NOTHING",
        values,
    )
    run(
        f"INSERT INTO darklaunch.noise_place (launch, endpoint, version, path, aspect, state{', '.join(['', *counts])})"
        f" VALUES (%s, %s, 'primary', '$.at', 'value', %s{', %s' * len(counts)})",
        [*values, state, *counts.values()],
    )
