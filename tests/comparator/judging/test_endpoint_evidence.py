"""Endpoints that are not judged yet, and why."""

from collections.abc import Iterator
from dataclasses import replace

from darklaunch_comparator.judging.decision import LaunchVerdict
from darklaunch_comparator.judging.policy import (
    JudgePolicy,
)
from darklaunch_comparator.judging.summary import summarize_judgement
from darklaunch_comparator.judging.window import JudgedExchange

from tests.support.judge_traffic import ENDPOINTS, judge, traffic

POLICY = JudgePolicy(soak_s=10)


ORDERS, SEARCH, CART = ENDPOINTS


def test_an_endpoint_with_much_traffic_and_too_little_evidence_stands_in_the_way() -> None:
    rare = traffic(300, endpoints=("GET /rare",), per_s=1.25, seed=3)
    case = judge(iter(sorted([*traffic(4_800), *rare], key=lambda each: each.at_ms)), POLICY)
    decision = case.decide(POLICY)
    assert decision.verdict is LaunchVerdict.INSUFFICIENT_TRAFFIC
    assert [each.endpoint for each in decision.blocking] == ["GET /rare"]
    assert decision.blocking[0].needed + 300 == 439
    told = replace(POLICY, unjudged=("GET /rare",))
    assert case.decide(told).verdict is LaunchVerdict.PROMOTE
    assert [each.endpoint for each in case.decide(told).uncovered] == ["GET /rare"]


def test_an_endpoint_compared_by_shape_for_the_most_part_is_not_judged() -> None:
    def blind(share: float) -> Iterator[JudgedExchange]:
        for each in traffic(4_800):
            yield replace(each, compared_share=share) if each.endpoint == SEARCH else each

    case = judge(blind(0.3), POLICY)
    decision = case.decide(POLICY)
    assert (decision.verdict, decision.move) == (LaunchVerdict.NOT_JUDGED, None)
    why = summarize_judgement(case, decision, POLICY)["why"]
    assert why == "GET /search (33 % of the traffic) is compared by value in 30 % of what its responses hold"
    assert judge(blind(0.6), POLICY).decide(POLICY).verdict is LaunchVerdict.PROMOTE
    told = replace(POLICY, unjudged=(SEARCH,))
    assert case.decide(told).verdict is LaunchVerdict.PROMOTE


def test_an_endpoint_that_cannot_be_compared_is_not_judged() -> None:
    def unverified() -> Iterator[JudgedExchange]:
        for each in traffic(4_800):
            yield replace(each, compared=each.endpoint != SEARCH)

    assert judge(unverified(), POLICY).decide(POLICY).verdict is LaunchVerdict.NOT_JUDGED


def test_an_endpoint_whose_requests_lack_their_credentials_is_not_judged_and_says_so() -> None:
    def refused(share: float) -> Iterator[JudgedExchange]:
        for number, each in enumerate(traffic(4_800)):
            is_refused = each.endpoint == SEARCH and number % 10 < 10 * share
            yield replace(each, compared=False, refused=True, clock=None) if is_refused else each

    case = judge(refused(1.0), POLICY, resume=True)
    decision = case.decide(POLICY)
    assert (decision.verdict, decision.move) == (LaunchVerdict.NOT_JUDGED, None)
    why = summarize_judgement(case, decision, POLICY)["why"]
    assert why == (
        "GET /search (33 % of the traffic) is refused by the shadow in 100 % of its requests, which come without the "
        "users' credentials: send them along (--seal)"
    )
    assert judge(refused(0.2), POLICY).decide(POLICY).verdict is LaunchVerdict.PROMOTE
