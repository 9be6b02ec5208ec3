"""The decision about a build: a verdict, the move that the evidence asks for, and what a promotion still needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from darklaunch_comparator.evidence import below, clean_exchanges_needed, log_threshold

from .build_evidence import BuildEvidence, GuardEvidence
from .endpoint_evidence import GAP_LEAST, JudgingGap
from .outage import ShadowOutage
from .policy import QUANTILES, RATE_GUARDS, Guard, JudgeMode, JudgePolicy


class LaunchVerdict(StrEnum):
    """What is known of a launch."""

    PROMOTE = "promote"
    KEEP_WATCHING = "keep_watching"
    INSUFFICIENT_TRAFFIC = "insufficient_traffic"
    NOT_JUDGED = "not_judged"
    SHADOW_DOWN = "shadow_down"
    ROLL_BACK = "roll_back"


class JudgeMove(StrEnum):
    """What the evidence asks for."""

    ROLL_BACK = "roll_back"
    RAISE = "raise"
    PROMOTE = "promote"


@dataclass(frozen=True, slots=True)
class RampProgress:
    """Where an automatic ramp stands.

    step       number of the step, from 0
    since_ms   when the step began, epoch ms
    n_before   exchanges judged before it began
    ready      a promotion was once shown to be right; later traffic may ask for a rollback, but not undo this
    """

    step: int = 0
    since_ms: int = 0
    n_before: int = 0
    ready: bool = False


@dataclass(frozen=True, slots=True)
class UncoveredEndpoint:
    """An endpoint that is not judged: its share of the traffic, why not, and how many more exchanges it needs.

    seen_share is the part of what its responses hold that is compared by value, refused_share that of its requests
    which came without their users' credentials and were refused. More exchanges change nothing about either, or about a
    latency that no clock tells: then `needed` is 0.
    """

    endpoint: str
    n: int
    share: float
    needed: int
    gap: JudgingGap = JudgingGap.FEW
    seen_share: float = 1.0
    refused_share: float = 0.0

    @property
    def waits_for_traffic(self) -> bool:
        """True if more exchanges will tell."""
        return self.gap in (JudgingGap.FEW, JudgingGap.SLOWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeDecision:
    """A verdict, and what a promotion still needs.

    move        what the evidence asks for, whoever does it; None if nothing
    by_hand     a person is to make the move
    needed      exchanges still needed if none of them fails
    soak_ms     time still needed
    unproven    rates not shown to be below their bound yet, and quantiles not shown to be no slower
    untimed     latency is to be judged, and no clock tells it
    on_course   what will roll the build back if it goes on as so far
    example     a difference of many exchanges, for people: `$.total: 42 → 0`
    uncovered   endpoints not judged yet, most traffic first
    blocking    those of them that prevent a promotion
    outage      why the shadow is down, if it is
    """

    verdict: LaunchVerdict
    move: JudgeMove | None = None
    by_hand: bool = False
    needed: int = 0
    soak_ms: int = 0
    unproven: tuple[Guard, ...] = ()
    uncovered: tuple[UncoveredEndpoint, ...] = ()
    blocking: tuple[UncoveredEndpoint, ...] = ()
    outage: ShadowOutage | None = None
    untimed: bool = False
    on_course: GuardEvidence | None = None
    example: str = ""


def decide(
    build: BuildEvidence, policy: JudgePolicy, progress: RampProgress, outage: ShadowOutage | None = None
) -> JudgeDecision:
    """Decide about a build from the evidence about it. An `outage` goes before what is known of its responses."""
    uncovered = tuple(sorted(_find_uncovered(build, policy), key=lambda each: (-each.n, each.endpoint)))
    reason = build.rollback_reason
    if outage is not None and outage.is_down and (reason is None or reason.strongest.guard is Guard.ERROR):
        return JudgeDecision(
            verdict=LaunchVerdict.SHADOW_DOWN,
            move=JudgeMove.ROLL_BACK if reason or outage.asks_for_rollback else None,
            by_hand=policy.mode is JudgeMode.ADVISE,
            uncovered=uncovered,
            outage=outage,
        )
    if build.rollback_reason is not None:
        return JudgeDecision(
            verdict=LaunchVerdict.ROLL_BACK,
            move=JudgeMove.ROLL_BACK,
            by_hand=policy.mode is JudgeMode.ADVISE,
            uncovered=uncovered,
        )
    if build.overall.n == 0:
        return JudgeDecision(
            verdict=LaunchVerdict.INSUFFICIENT_TRAFFIC,
            needed=policy.clean_exchanges,
            soak_ms=_to_ms(policy.total_soak_s),
        )
    if progress.ready:
        return JudgeDecision(
            verdict=LaunchVerdict.PROMOTE,
            move=JudgeMove.PROMOTE,
            by_hand=_is_promoted_by_hand(policy),
            uncovered=uncovered,
        )
    if policy.mode is JudgeMode.AUTO and progress.step < len(policy.steps) - 1:
        return _decide_within_ramp(build, policy, progress, uncovered)
    return _decide_at_last_step(build, policy, progress, uncovered)


def find_unproven_rates(build: BuildEvidence, policy: JudgePolicy, step: int) -> tuple[Guard, ...]:
    """Return the rates that are not shown to be below the bound of a step."""
    threshold = log_threshold(policy.beta)
    return tuple(
        guard
        for guard in RATE_GUARDS
        if build.overall.rates[guard].log_e_below(policy.bound(guard, step), step) < threshold
    )


def find_uncleared_latencies(build: BuildEvidence, policy: JudgePolicy) -> tuple[Guard, ...]:
    """Return the quantiles at which the shadow is not shown to be no slower; none if latency is waived."""
    if not policy.judges_latency:
        return ()
    leading = build.overall.latencies.leading
    if leading is None:
        return tuple(QUANTILES)
    threshold = log_threshold(policy.beta)
    return tuple(guard for guard in QUANTILES if leading.log_e_below(guard, policy.margins.of(guard)) < threshold)


def _is_untimed(build: BuildEvidence, policy: JudgePolicy) -> bool:
    latencies = build.overall.latencies
    return policy.judges_latency and latencies.timeable >= GAP_LEAST and latencies.leading is None


def _decide_within_ramp(
    build: BuildEvidence, policy: JudgePolicy, progress: RampProgress, uncovered: tuple[UncoveredEndpoint, ...]
) -> JudgeDecision:
    unproven = find_unproven_rates(build, policy, progress.step)
    blocking = _find_blocking(uncovered, policy)
    later_steps = policy.steps[progress.step + 1 :]
    soak_ms = max(0, _to_ms(policy.soak_s) - (build.until_ms - progress.since_ms))
    missing = max(0, policy.steps[progress.step].minimum - (build.overall.n - progress.n_before))
    step_done = not unproven and not soak_ms and not missing
    untimed = _is_untimed(build, policy)
    hopeless = untimed or any(not each.waits_for_traffic for each in blocking)
    return JudgeDecision(
        verdict=LaunchVerdict.NOT_JUDGED if hopeless else LaunchVerdict.KEEP_WATCHING,
        move=JudgeMove.RAISE if step_done else None,
        by_hand=later_steps[0].by_hand,
        needed=max(
            missing + sum(step.minimum for step in later_steps),
            _exchanges_to_prove_rates(build, policy),
            _exchanges_to_cover(blocking),
        ),
        soak_ms=soak_ms + len(later_steps) * _to_ms(policy.soak_s),
        unproven=unproven,
        uncovered=uncovered,
        blocking=blocking,
        untimed=untimed,
        on_course=build.find_on_course(policy),
    )


def _decide_at_last_step(
    build: BuildEvidence, policy: JudgePolicy, progress: RampProgress, uncovered: tuple[UncoveredEndpoint, ...]
) -> JudgeDecision:
    last = len(policy.steps) - 1
    unproven = (*find_unproven_rates(build, policy, last), *find_uncleared_latencies(build, policy))
    blocking = _find_blocking(uncovered, policy)
    if policy.mode is JudgeMode.AUTO:
        missing = policy.steps[last].minimum - (build.overall.n - progress.n_before)
        soak_ms = _to_ms(policy.soak_s) - (build.until_ms - progress.since_ms)
    else:  # no ramp of ours: what all steps ask for, since the first exchange
        missing = policy.total_minimum - build.overall.n
        soak_ms = _to_ms(policy.total_soak_s) - (build.until_ms - build.first_ms)
    missing = max(0, missing)
    soak_ms = max(0, soak_ms)
    untimed = _is_untimed(build, policy)
    verdict = LaunchVerdict.KEEP_WATCHING
    if untimed or any(not each.waits_for_traffic for each in blocking):
        verdict = LaunchVerdict.NOT_JUDGED
    elif not unproven and not soak_ms and not missing:
        verdict = LaunchVerdict.INSUFFICIENT_TRAFFIC if blocking else LaunchVerdict.PROMOTE
    return JudgeDecision(
        verdict=verdict,
        move=JudgeMove.PROMOTE if verdict is LaunchVerdict.PROMOTE else None,
        by_hand=_is_promoted_by_hand(policy),
        needed=max(missing, _exchanges_to_prove_rates(build, policy), _exchanges_to_cover(blocking)),
        soak_ms=soak_ms,
        unproven=unproven,
        uncovered=uncovered,
        blocking=blocking,
        untimed=untimed,
        on_course=build.find_on_course(policy),
    )


def _find_uncovered(build: BuildEvidence, policy: JudgePolicy) -> Iterator[UncoveredEndpoint]:
    for name, evidence in build.endpoints:
        if gap := evidence.find_gap(policy):
            yield UncoveredEndpoint(
                endpoint=name,
                n=evidence.n,
                share=evidence.n / build.overall.n,
                needed=evidence.exchanges_needed(policy) if gap is JudgingGap.FEW else 0,
                gap=gap,
                seen_share=evidence.seen_share,
                refused_share=evidence.refused / evidence.n,
            )


def _find_blocking(uncovered: tuple[UncoveredEndpoint, ...], policy: JudgePolicy) -> tuple[UncoveredEndpoint, ...]:
    """Return the endpoints that prevent a promotion: busy ones, and the unseen and untimed if together they are."""
    asked = [each for each in uncovered if each.endpoint not in policy.unjudged]
    together = sum(each.share for each in asked if not each.waits_for_traffic)
    return tuple(
        each for each in asked if (each.share if each.waits_for_traffic else together) >= policy.coverage_share
    )


def _exchanges_to_prove_rates(build: BuildEvidence, policy: JudgePolicy) -> int:
    """Return how many exchanges without a failure show all that a promotion needs, latency as it was so far."""
    last = len(policy.steps) - 1
    threshold = log_threshold(policy.beta)
    needed = [
        clean_exchanges_needed(below(policy.bound(guard, last)), build.overall.rates[guard].counts, threshold) or 0
        for guard in RATE_GUARDS
    ]
    latencies = build.overall.latencies
    if policy.judges_latency and (leading := latencies.leading) is not None:
        timed_share = leading.n / build.overall.n
        pairs = [leading.pairs_needed(guard, policy.margins.of(guard), threshold) for guard in QUANTILES]
        needed += [round(each / timed_share) for each in pairs if each]
    return max(needed)


def _exchanges_to_cover(blocking: tuple[UncoveredEndpoint, ...]) -> int:
    return max((round(each.needed / each.share) for each in blocking), default=0)


def _is_promoted_by_hand(policy: JudgePolicy) -> bool:
    return policy.mode is not JudgeMode.AUTO or policy.promote_by_hand


def _to_ms(seconds: float) -> int:
    return round(seconds * 1000)
