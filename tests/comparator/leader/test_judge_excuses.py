"""Evidence that rests on excuses which a witness has refuted since promotes nobody."""

from collections.abc import Iterable
from dataclasses import replace

from darklaunch_comparator.judging.policy import JudgeMode
from darklaunch_comparator.leader.noise_learner import NoiseLearner
from darklaunch_comparator.pipeline.assess import assess_entry
from darklaunch_comparator.store.write_batch import write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_shared.wire.fields import Fields

from tests.support.exchanges import RULES, asked_twice, exchange, replayed
from tests.support.judge_harness import QUICK_POLICY, JudgeHarness, MakeHarness
from tests.support.judge_traffic import traffic

OWNER = "0f8fad5b-d9cb-469f-a165-70867728950e"
STRANGER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def record(harness: JudgeHarness, entries: Iterable[Fields]) -> None:
    results = [assess_entry(harness.name, entry, RULES) for entry in entries]
    assert write_batch(harness.connection, harness.name, results, WriterCache()).inserted == len(results)
    NoiseLearner().learn_noise(harness.connection, harness.redis)


def test_judging_starts_over_once_the_baseline_shows_that_an_excused_id_was_wrong(make_harness: MakeHarness) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.ADVISE))
    harness.judge_traffic(traffic(100, start_ms=harness.start_ms))
    orders = [exchange(harness.name, seq, producer="witness", body={"owner": OWNER}) for seq in range(1, 31)]
    record(harness, [replayed(order, body={"owner": STRANGER}) for order in orders[:5]])
    harness.advance(10)
    assert harness.judgement.round_number == 1

    record(harness, [asked_twice(order, again={"owner": OWNER}) for order in orders[5:]])
    harness.advance(10)

    assert harness.judgement.round_number == 2
    harness.advance(60)
    assert harness.judgement.round_number == 2


def test_judging_goes_on_when_the_baseline_repeats_an_id_that_never_differed(make_harness: MakeHarness) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.ADVISE))
    harness.judge_traffic(traffic(100, start_ms=harness.start_ms))
    orders = [exchange(harness.name, seq, producer="witness", body={"owner": OWNER}) for seq in range(1, 31)]

    record(harness, [asked_twice(order, again={"owner": OWNER}) for order in orders])
    harness.advance(10)

    assert harness.judgement.round_number == 1
