"""A launch over days, through the real store to the real judge, on a clock that is turned by hand.

Traffic follows the day; a second build comes, later a third that is worse. Judges come and go all the time. What they
know in the end is what one that read everything at once would know.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest
from darklaunch_comparator.judging.launch_evidence import LaunchEvidence
from darklaunch_comparator.judging.policy import JudgeMode, JudgePolicy
from darklaunch_comparator.judging.window import JudgedExchange, window_start_ms
from darklaunch_comparator.store.judge_state import lock_judge_state
from darklaunch_comparator.store.judgements import read_judged_exchanges
from darklaunch_shared.redis.client import RedisClient
from psycopg import Connection

from tests.support.judge_harness import JudgeHarness
from tests.support.judge_traffic import ENDPOINTS, traffic

HOUR_MS = 3_600_000
POLICY = JudgePolicy(mode=JudgeMode.ADVISE)


def by_the_day(start_ms: int, hours: int, per_s: float) -> Iterator[JudgedExchange]:
    """Yield traffic that swells and ebbs, with builds v1, v2 after a third of the time, v3 after two thirds."""
    for hour in range(hours):
        share = 0.55 - 0.45 * math.cos(2 * math.pi * (hour % 24) / 24)
        build = ("v1", "v2", "v3")[3 * hour // hours]
        bad = {ENDPOINTS[0]: 0.05} if build == "v3" else {}
        rate = per_s * share
        begins_ms = start_ms + hour * HOUR_MS
        yield from traffic(round(3600 * rate), seed=hour, per_s=rate, start_ms=begins_ms, build=build, mismatch=bad)


def check(connection: Connection[Any], redis: RedisClient, name: str, hours: int, per_s: float, every_s: float) -> None:
    harness, chance = JudgeHarness(connection, redis, name, POLICY), random.Random(7)
    seen = by_the_day(harness.start_ms, hours, per_s)
    for start_ms, part in groupby(seen, key=lambda each: each.at_ms // round(every_s * 1000)):
        if chance.random() < 0.1:
            harness.judge = harness.new_judge()
        harness.record(part)
        harness.now_ms = max(harness.now_ms, (start_ms + 1) * round(every_s * 1000))
        if chance.random() < 0.9:  # else nobody leads just now
            harness.judge_now()
    for _ in range(20):
        harness.advance(30)

    verdicts = [(event.data["build"], event.data["verdict"]) for event in harness.events if event.act == "verdict"]
    assert ("v3", "roll_back") in verdicts
    assert all(verdict != "roll_back" for build, verdict in verdicts if build != "v3")
    assert harness.judgement.summary["leading"]["endpoint"] == ENDPOINTS[0]

    everything = read_judged_exchanges(connection, name, 0, harness.now_ms, limit=2**31 - 1)
    assert len(everything) == sum(1 for _ in by_the_day(harness.start_ms, hours, per_s))
    case = LaunchEvidence()
    for _, window in groupby(everything, key=lambda each: window_start_ms(each.at_ms)):
        case = case.with_window(list(window), POLICY, frozenset(case.builds))
        case = case.with_verdict(case.decide(POLICY).verdict)
    with connection.transaction():
        docket = lock_judge_state(connection, name)
    assert docket is not None
    assert docket.evidence.builds[docket.evidence.current_build] == case.builds["v3"]
    without_builds = replace(docket.evidence, builds={}, progress=case.progress, outage=case.outage)
    assert without_builds == replace(case, builds={})


def test_some_hours(connection: Connection[Any], redis: RedisClient, launch_name: str) -> None:
    check(connection, redis, launch_name, hours=3, per_s=1.0, every_s=300)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_week(connection: Connection[Any], redis: RedisClient, launch_name: str) -> None:
    check(connection, redis, launch_name, hours=7 * 24, per_s=0.3, every_s=300)
