"""By what a launch is judged, and what may be done about it without asking. Rates and budgets are fractions, 0 to 1."""

from dataclasses import dataclass, field
from enum import StrEnum

from darklaunch_comparator.evidence import OutcomeCounts, below, clean_needed, log_threshold


class JudgeMode(StrEnum):
    """What the judge may do by itself."""

    ADVISE = "advise"  # nothing
    MANUAL = "manual"  # roll back; people raise the share and promote
    AUTO = "auto"  # roll back, raise the share, promote


class Guard(StrEnum):
    """What is watched. `MISMATCH`, `ERROR` and `SLOW` have budgets; the others compare the two sides' latencies."""

    MISMATCH = "mismatch"
    ERROR = "error"
    SLOW = "slow"
    P50 = "p50"
    P95 = "p95"
    P99 = "p99"


RATES = (Guard.MISMATCH, Guard.ERROR, Guard.SLOW)
QUANTILES = {Guard.P50: 0.5, Guard.P95: 0.95, Guard.P99: 0.99}


@dataclass(frozen=True, slots=True)
class FailureBudgets:
    """The share of exchanges that may mismatch, stay without an answer, or be slow."""

    mismatch: float = 0.001
    error: float = 0.001
    slow: float = 0.001

    def of(self, guard: Guard) -> float:
        """Give one guard's budget."""
        return {Guard.MISMATCH: self.mismatch, Guard.ERROR: self.error, Guard.SLOW: self.slow}[guard]


@dataclass(frozen=True, slots=True)
class GuardWeights:
    """How the evidence for a rollback is averaged over the guards. They sum to 1."""

    mismatch: float = 0.35
    error: float = 0.25
    slow: float = 0.15
    p50: float = 0.10
    p95: float = 0.10
    p99: float = 0.05

    def of(self, guard: Guard) -> float:
        """Give one guard's weight."""
        value: float = getattr(self, guard.value)
        return value


@dataclass(frozen=True, slots=True)
class RampStep:
    """A share of the traffic, and what must be shown there before the next one.

    percent   the share that is mirrored, in percent
    bound     each of the three rates is shown to be below this, or below its budget where that is larger
    minimum   exchanges judged at this step
    by_hand   a person raises the share to this step
    """

    percent: float
    bound: float
    minimum: int
    by_hand: bool = False


STEPS = (RampStep(1, 0.05, 100), RampStep(10, 0.01, 500), RampStep(50, 0.005, 1000), RampStep(100, 0.001, 3000))


@dataclass(frozen=True, slots=True)
class JudgePolicy:
    """Everything that is decided by.

    mode               what the judge may do by itself
    alpha              probability of rolling back a launch that keeps its budgets, however long it is watched
    beta               probability of clearing a rate that is not below its bound
    budgets, weights   see there
    latency_tolerance  the shadow's latency is divided by this before it is compared with the primary's
    steps              the ramp, rising
    soak_s             how long each step lasts at least
    promote_by_hand    a person promotes
    strict             clear rates block by block, which holds in bursts and takes about a hundred times as long
    endpoint_bound     an endpoint is judged when its mismatches are shown to be below this
    coverage_share     an endpoint that carries this share of the traffic must be judged before a promotion
    unjudged           endpoints of which that is not asked
    webhooks           URLs that are told of a promotion and of a rollback
    """

    mode: JudgeMode = JudgeMode.ADVISE
    alpha: float = 0.05
    beta: float = 0.05
    budgets: FailureBudgets = field(default_factory=FailureBudgets)
    weights: GuardWeights = field(default_factory=GuardWeights)
    latency_tolerance: float = 1.05
    steps: tuple[RampStep, ...] = STEPS
    soak_s: float = 300.0
    promote_by_hand: bool = False
    strict: bool = False
    endpoint_bound: float = 0.01
    coverage_share: float = 0.05
    unjudged: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()

    def bound(self, guard: Guard, step: int) -> float:
        """Give the rate that a guard is to be shown below at a step."""
        return max(self.steps[step].bound, self.budgets.of(guard))

    def bounds(self, guard: Guard) -> tuple[float, ...]:
        """Give the rates that a guard is to be shown below, step by step."""
        return tuple(self.bound(guard, step) for step in range(len(self.steps)))

    def step_at(self, percent: float) -> int:
        """Give the number, from 0, of the highest step that a share has reached; 0 below the first."""
        return max((number for number, step in enumerate(self.steps) if step.percent <= percent), default=0)

    @property
    def tightest(self) -> float:
        """The rate below which each guard's is to be shown before a promotion, the lowest of the three."""
        return min(self.bound(guard, len(self.steps) - 1) for guard in RATES)

    @property
    def clean_exchanges(self) -> int:
        """The exchanges after which all three rates are cleared when none of them fails."""
        needed = clean_needed(below(self.tightest), OutcomeCounts(), log_threshold(self.beta))
        assert needed is not None
        return max(needed, self.minimum)

    @property
    def minimum(self) -> int:
        """The exchanges that all steps ask for together."""
        return sum(step.minimum for step in self.steps)

    @property
    def whole_soak_s(self) -> float:
        """How long all steps last at least, in seconds."""
        return self.soak_s * len(self.steps)
