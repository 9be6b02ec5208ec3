"""Made-up traffic for judges, seeded: exchanges of several endpoints, window by window."""

import random
from collections.abc import Iterator
from itertools import groupby

import orjson
from darklaunch_comparator.judging.build_evidence import BuildEvidence, RollbackReason
from darklaunch_comparator.judging.decision import LaunchVerdict
from darklaunch_comparator.judging.endpoint_evidence import EndpointEvidence
from darklaunch_comparator.judging.launch_evidence import LaunchEvidence
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_comparator.judging.window import JudgedExchange, window_start_ms
from darklaunch_comparator.results.latency_clock import LatencyClock

START_MS = 1_763_900_000_000
ENDPOINTS = ("GET /orders/{id}", "GET /search", "GET /cart")
ORDERS, SEARCH, CART = ENDPOINTS
POLICY = JudgePolicy(soak_s=10)


def condemned(case: LaunchEvidence, policy: JudgePolicy = POLICY) -> RollbackReason:
    """Return why the present build is rolled back; fail unless it is."""
    trial = case.current(policy)
    assert trial.rollback_reason is not None
    assert case.decide(policy).verdict is LaunchVerdict.ROLL_BACK
    return trial.rollback_reason


def traffic(
    n: int,
    *,
    seed: int = 1,
    per_s: float = 20.0,
    start_ms: int = START_MS,
    endpoints: tuple[str, ...] = ENDPOINTS,
    build: str = "v1",
    mismatch: dict[str, float] | None = None,
    error: float = 0.0,
    slow: float = 0.0,
    factor: float = 1.0,
    tail: float = 1.0,
) -> Iterator[JudgedExchange]:
    """Generate exchanges in order of time. `tail` slows the slowest 15 % of them, `factor` all."""
    chance = random.Random(seed)
    for number in range(n):
        endpoint = chance.choice(endpoints)
        base_ms = chance.lognormvariate(3, 0.6)
        shadow_ms = base_ms * chance.lognormvariate(0, 0.2) * factor * (tail if base_ms > 37 else 1)
        failed = chance.random() < error
        yield JudgedExchange(
            start_ms + int(number * 1000 / per_s),
            endpoint,
            build,
            compared=not failed,
            mismatched=not failed and chance.random() < (mismatch or {}).get(endpoint, 0.0),
            error=failed,
            slow=chance.random() < slow,
            clock=None if failed else LatencyClock.HOOK,
            primary_ms=base_ms * chance.lognormvariate(0, 0.2),
            shadow_ms=shadow_ms,
        )


def judge(
    exchanges: Iterator[JudgedExchange],
    policy: JudgePolicy,
    evidence: LaunchEvidence | None = None,
    *,
    resume: bool = False,
) -> LaunchEvidence:
    """Judge traffic until it ends or the launch is rolled back; `resume` packs and unpacks everything each time."""
    evidence = evidence or LaunchEvidence()
    for _, window in groupby(exchanges, key=lambda each: window_start_ms(each.at_ms)):
        evidence = evidence.with_window(list(window), policy, frozenset(evidence.builds))
        evidence = evidence.with_verdict(evidence.decide(policy).verdict)
        evidence = reload(evidence) if resume else evidence
        if evidence.current(policy).rollback_reason:
            break
    return evidence


def reload(evidence: LaunchEvidence) -> LaunchEvidence:
    """Pack evidence as JSON and read it back, as a judge does that takes over."""
    builds = {
        name: orjson.loads(orjson.dumps([build.pack(), {each: e.pack() for each, e in build.by_endpoint.items()}]))
        for name, build in evidence.builds.items()
    }
    unpacked = {
        name: BuildEvidence.unpack(packed, {each: EndpointEvidence.unpack(e) for each, e in by_endpoint.items()})
        for name, (packed, by_endpoint) in builds.items()
    }
    return LaunchEvidence.unpack(orjson.loads(orjson.dumps(evidence.pack())), unpacked)
