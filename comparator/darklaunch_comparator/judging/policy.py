"""The limits a launch is judged by (budgets, error rates, ramp steps) and what may happen automatically.

Rates, budgets, weights and shares are fractions, 0 to 1, unless their name says percent.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from darklaunch_comparator.evidence import OutcomeCounts, below, clean_exchanges_needed, log_threshold


class JudgeMode(StrEnum):
    """What the judge may do without a person."""

    ADVISE = "advise"  # nothing
    MANUAL = "manual"  # roll back; people raise the share and promote
    AUTO = "auto"  # roll back, raise the share, promote


class Guard(StrEnum):
    """What is checked. `MISMATCH`, `ERROR` and `SLOW` have budgets; the others compare both sides' latency."""

    MISMATCH = "mismatch"
    ERROR = "error"
    SLOW = "slow"
    P50 = "p50"
    P95 = "p95"
    P99 = "p99"


RATE_GUARDS = (Guard.MISMATCH, Guard.ERROR, Guard.SLOW)
QUANTILES = {Guard.P50: 0.5, Guard.P95: 0.95, Guard.P99: 0.99}


@dataclass(frozen=True, slots=True)
class FailureBudgets:
    """The share of exchanges that may mismatch, get no response from the shadow, or be slow."""

    mismatch: float = 0.001
    error: float = 0.001
    slow: float = 0.001

    def of(self, guard: Guard) -> float:
        """Return the budget of a rate guard. Raises KeyError for a latency guard."""
        return {Guard.MISMATCH: self.mismatch, Guard.ERROR: self.error, Guard.SLOW: self.slow}[guard]


@dataclass(frozen=True, slots=True)
class GuardWeights:
    """How evidence for a rollback is averaged over the guards. They sum to 1."""

    mismatch: float = 0.35
    error: float = 0.25
    slow: float = 0.15
    p50: float = 0.10
    p95: float = 0.10
    p99: float = 0.05

    def of(self, guard: Guard) -> float:
        """Return the weight of a guard."""
        value: float = getattr(self, guard.value)
        return value


@dataclass(frozen=True, slots=True)
class LatencyLevels:
    """One number for each latency guard."""

    p50: float
    p95: float
    p99: float

    def of(self, guard: Guard) -> float:
        """Return the number of a latency guard."""
        value: float = getattr(self, guard.value)
        return value


DEFAULT_TOLERANCE_MS = LatencyLevels(5.0, 10.0, 20.0)
DEFAULT_MARGINS = LatencyLevels(0.03, 0.01, 0.01)


@dataclass(frozen=True, slots=True)
class LatencyWaiver:
    """A decision of a person that latency need not be judged: why, and whose."""

    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class RampStep:
    """A share of the traffic, and what must be shown at it before the next step.

    percent   share that is mirrored, in percent
    bound     each of the three rates must be shown to be below this, or below its budget if that is larger
    minimum   exchanges that must be judged at this step
    by_hand   a person raises the share to this step
    """

    percent: float
    bound: float
    minimum: int
    by_hand: bool = False


DEFAULT_STEPS = (RampStep(1, 0.05, 100), RampStep(10, 0.01, 500), RampStep(50, 0.005, 1000), RampStep(100, 0.001, 3000))


@dataclass(frozen=True, slots=True)
class JudgePolicy:
    """Everything that decisions depend on.

    mode               what the judge may do without a person
    alpha              probability of rolling back a launch that keeps its budgets, however long it is watched
    beta               probability of passing a rate that is not below its bound
    latency_tolerance  the shadow may take this many times as long as the primary
    tolerance_ms       or this much longer, whichever is more, at each quantile
    margins            at each quantile, the share of requests by which the shadow may exceed that more often
    waive_latency      why latency is not judged; None if it is
    steps              the ramp, rising
    soak_s             minimum duration of each step, seconds
    promote_by_hand    a person promotes
    strict             pass rates block by block: valid in bursts, takes about a hundred times as many exchanges
    endpoint_bound     an endpoint is judged once its mismatch rate is shown to be below this
    coverage_share     endpoints with at least this share of the traffic must be judged before a promotion
    unjudged           endpoints exempt from that
    webhooks           URLs that are notified of a promotion or rollback
    """

    mode: JudgeMode = JudgeMode.ADVISE
    alpha: float = 0.05
    beta: float = 0.05
    budgets: FailureBudgets = field(default_factory=FailureBudgets)
    weights: GuardWeights = field(default_factory=GuardWeights)
    latency_tolerance: float = 1.1
    tolerance_ms: LatencyLevels = DEFAULT_TOLERANCE_MS
    margins: LatencyLevels = DEFAULT_MARGINS
    waive_latency: LatencyWaiver | None = None
    steps: tuple[RampStep, ...] = DEFAULT_STEPS
    soak_s: float = 300.0
    promote_by_hand: bool = False
    strict: bool = False
    endpoint_bound: float = 0.01
    coverage_share: float = 0.05
    unjudged: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()

    def bound(self, guard: Guard, step: int) -> float:
        """Return the rate that a guard must be shown to be below at a step."""
        return max(self.steps[step].bound, self.budgets.of(guard))

    def bounds(self, guard: Guard) -> tuple[float, ...]:
        """Return the rates that a guard must be shown to be below, one per step."""
        return tuple(self.bound(guard, step) for step in range(len(self.steps)))

    def step_at(self, percent: float) -> int:
        """Return the number, from 0, of the highest step that a share has reached; 0 below the first."""
        return max((number for number, step in enumerate(self.steps) if step.percent <= percent), default=0)

    @property
    def judged_guards(self) -> tuple[Guard, ...]:
        """The guards that can roll a launch back: those with a weight; none of latency if that is waived."""
        guards = tuple(Guard) if self.judges_latency else RATE_GUARDS
        return tuple(guard for guard in guards if self.weights.of(guard))

    @property
    def judges_latency(self) -> bool:
        """True if latency is judged."""
        return self.waive_latency is None

    @property
    def tightest_bound(self) -> float:
        """The lowest rate that a guard must be shown to be below before a promotion."""
        return min(self.bound(guard, len(self.steps) - 1) for guard in RATE_GUARDS)

    @property
    def clean_exchanges(self) -> int:
        """The exchanges after which all three rates are shown to be below their bounds if none of them fails."""
        needed = clean_exchanges_needed(below(self.tightest_bound), OutcomeCounts(), log_threshold(self.beta))
        assert needed is not None
        return max(needed, self.total_minimum)

    @property
    def total_minimum(self) -> int:
        """The exchanges that all steps require together."""
        return sum(step.minimum for step in self.steps)

    @property
    def total_soak_s(self) -> float:
        """The minimum duration of all steps together, in seconds."""
        return self.soak_s * len(self.steps)
