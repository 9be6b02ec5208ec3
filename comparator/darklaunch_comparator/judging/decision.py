"""From evidence to a verdict, and to the one thing that may be done about it now."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from darklaunch_comparator.evidence import below, clean_needed, log_threshold

from .build_evidence import BuildTrial
from .policy import RATES, Guard, JudgeMode, JudgePolicy


class LaunchVerdict(StrEnum):
    """What is known of a launch."""

    PROMOTE = "promote"
    KEEP_WATCHING = "keep_watching"
    INSUFFICIENT_TRAFFIC = "insufficient_traffic"
    ROLL_BACK = "roll_back"


class JudgeMove(StrEnum):
    """What the evidence asks for."""

    ROLL_BACK = "roll_back"
    RAISE = "raise"
    PROMOTE = "promote"


@dataclass(frozen=True, slots=True)
class RampProgress:
    """Where an automatic ramp stands: the step, when it began (epoch ms), how much had been judged by then.

    `ready` is whether a promotion was once shown to be right; later traffic may still condemn, but not take that back.
    """

    step: int = 0
    since_ms: int = 0
    n_before: int = 0
    ready: bool = False


@dataclass(frozen=True, slots=True)
class UncoveredEndpoint:
    """An endpoint that is not judged yet: its part of the traffic, and how many more exchanges it needs."""

    endpoint: str
    n: int
    share: float
    needed: int


@dataclass(frozen=True, slots=True)
class JudgeDecision:
    """A verdict and what stands between it and a promotion.

    `move` is what the evidence asks for, whoever makes it; None while it asks for nothing. `by_hand` is whether a
    person is to make it. `needed` counts the exchanges still needed, if none of them fails; `soak_ms` the time. `open`
    are rates not shown to be below their bound, `uncovered` are endpoints not judged, most traffic first; `blocking`
    those of them that stand in the way.
    """

    verdict: LaunchVerdict
    move: JudgeMove | None = None
    by_hand: bool = False
    needed: int = 0
    soak_ms: int = 0
    open: tuple[Guard, ...] = ()
    uncovered: tuple[UncoveredEndpoint, ...] = ()
    blocking: tuple[UncoveredEndpoint, ...] = field(default=())


def decide(trial: BuildTrial, policy: JudgePolicy, progress: RampProgress) -> JudgeDecision:
    """Decide about a build by what is known of it."""
    uncovered = tuple(sorted(_uncovered(trial, policy), key=lambda each: (-each.n, each.endpoint)))
    if trial.condemned is not None:
        by_hand = policy.mode is JudgeMode.ADVISE
        return JudgeDecision(LaunchVerdict.ROLL_BACK, JudgeMove.ROLL_BACK, by_hand, uncovered=uncovered)
    blocking = tuple(
        each for each in uncovered if each.share >= policy.coverage_share and each.endpoint not in policy.unjudged
    )
    if trial.all.n == 0:
        return JudgeDecision(
            LaunchVerdict.INSUFFICIENT_TRAFFIC, needed=policy.clean_exchanges, soak_ms=_whole_soak_ms(policy)
        )
    if progress.ready:
        return JudgeDecision(LaunchVerdict.PROMOTE, JudgeMove.PROMOTE, _promotes_by_hand(policy), uncovered=uncovered)
    if policy.mode is JudgeMode.AUTO and progress.step < len(policy.steps) - 1:
        return _on_the_way(trial, policy, progress, uncovered, blocking)
    return _at_the_end(trial, policy, progress, uncovered, blocking)


def _on_the_way(
    trial: BuildTrial,
    policy: JudgePolicy,
    progress: RampProgress,
    uncovered: tuple[UncoveredEndpoint, ...],
    blocking: tuple[UncoveredEndpoint, ...],
) -> JudgeDecision:
    step = policy.steps[progress.step]
    still = open_rates(trial, policy, progress.step)
    soak_ms = max(0, _ms(policy.soak_s) - (trial.until_ms - progress.since_ms))
    short = max(0, step.minimum - (trial.all.n - progress.n_before))
    ready = not still and not soak_ms and not short
    rest = policy.steps[progress.step + 1 :]
    return JudgeDecision(
        LaunchVerdict.KEEP_WATCHING,
        JudgeMove.RAISE if ready else None,
        rest[0].by_hand,
        max(short + sum(later.minimum for later in rest), _to_clear(trial, policy), _to_cover(blocking)),
        soak_ms + len(rest) * _ms(policy.soak_s),
        still,
        uncovered,
        blocking,
    )


def _at_the_end(
    trial: BuildTrial,
    policy: JudgePolicy,
    progress: RampProgress,
    uncovered: tuple[UncoveredEndpoint, ...],
    blocking: tuple[UncoveredEndpoint, ...],
) -> JudgeDecision:
    last = len(policy.steps) - 1
    still = open_rates(trial, policy, last)
    if policy.mode is JudgeMode.AUTO:
        short = policy.steps[last].minimum - (trial.all.n - progress.n_before)
        soak_ms = _ms(policy.soak_s) - (trial.until_ms - progress.since_ms)
    else:
        short = policy.minimum - trial.all.n
        soak_ms = _whole_soak_ms(policy) - (trial.until_ms - trial.first_ms)
    short, soak_ms = max(0, short), max(0, soak_ms)
    shown = not still and not soak_ms and not short
    verdict = LaunchVerdict.KEEP_WATCHING
    if shown:
        verdict = LaunchVerdict.INSUFFICIENT_TRAFFIC if blocking else LaunchVerdict.PROMOTE
    return JudgeDecision(
        verdict,
        JudgeMove.PROMOTE if verdict is LaunchVerdict.PROMOTE else None,
        _promotes_by_hand(policy),
        max(short, _to_clear(trial, policy), _to_cover(blocking)),
        soak_ms,
        still,
        uncovered,
        blocking,
    )


def open_rates(trial: BuildTrial, policy: JudgePolicy, step: int) -> tuple[Guard, ...]:
    """Give the rates that are not shown to be below what a step asks for."""
    bar = log_threshold(policy.beta)
    return tuple(guard for guard in RATES if trial.all.rates[guard].log_clean(policy.bound(guard, step), step) < bar)


def _to_clear(trial: BuildTrial, policy: JudgePolicy) -> int:
    """Count the clean exchanges, one by one, after which all rates are shown to be below the last step's bounds."""
    last, bar = len(policy.steps) - 1, log_threshold(policy.beta)
    return max(
        clean_needed(below(policy.bound(guard, last)), trial.all.rates[guard].counts, bar) or 0 for guard in RATES
    )


def _to_cover(blocking: tuple[UncoveredEndpoint, ...]) -> int:
    return max((round(each.needed / each.share) for each in blocking), default=0)


def _uncovered(trial: BuildTrial, policy: JudgePolicy) -> Iterator[UncoveredEndpoint]:
    for name, scope in trial.endpoints:
        if not scope.judged(policy):
            yield UncoveredEndpoint(name, scope.n, scope.n / trial.all.n, scope.needed(policy))


def _promotes_by_hand(policy: JudgePolicy) -> bool:
    return policy.mode is not JudgeMode.AUTO or policy.promote_by_hand


def _whole_soak_ms(policy: JudgePolicy) -> int:
    return _ms(policy.whole_soak_s)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
