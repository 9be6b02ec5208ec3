"""A row of the matrix: a primary, a shadow, traffic, and the verdict that must come."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from darklaunch_comparator.judging.policy import FailureBudgets, JudgeMode, JudgePolicy, LatencyLevels, RampStep

from .release import Release
from .traffic import SHOP, Mix

TIME_LAPSE = JudgePolicy(
    mode=JudgeMode.AUTO,
    budgets=FailureBudgets(0.01, 0.01, 0.01),
    margins=LatencyLevels(0.10, 0.05, 0.05),
    steps=(RampStep(20, 0.1, 40), RampStep(100, 0.01, 450)),
    soak_s=5.0,
    endpoint_bound=0.05,
)
"""As by default, but for a ramp of two short steps, and budgets and margins that some hundred exchanges can show."""


class Setting(StrEnum):
    """By whose clock the shadow is timed."""

    HOOK = "hook in shadow"
    BASELINE = "baseline"
    NEITHER = "neither"
    HOOK_AND_BASELINE = "hook in shadow, baseline"


class Ending(StrEnum):
    """What must come of a launch."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"
    NOT_JUDGED = "not judged"
    NOT_PROMOTED = "not promoted"
    NOT_ROLLED_BACK = "not rolled back"
    KEEP_WATCHING = "keep watching"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What must come.

    within      judged exchanges by which the launch has ended; of a launch that must not end, how many are judged
    endpoint    which the verdict must name
    says        what the verdict's first sentence must hold
    warns       what must have been the first sentence at some time before the end
    never_says  what no first sentence may hold, at any time
    errors      the share of the replays without a response, at least and at most
    reports     what `darklaunch report` must hold
    """

    ending: Ending
    within: int = 6_000
    endpoint: str = ""
    says: tuple[str, ...] = ()
    warns: str = ""
    never_says: tuple[str, ...] = ()
    errors: tuple[float, float] = (0.0, 1.0)
    reports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One launch.

    name    what the user sees
    dead    nothing listens at the shadow's address
    dies_after  the shadow ends once so many exchanges were judged
    options more options of `darklaunch start`
    is_idle nobody visits from when the launch is started
    busy    two processes take all the processor time they get while it runs
    """

    name: str
    setting: Setting
    truth: Truth
    primary: Release = field(default_factory=Release)
    shadow: Release = field(default_factory=Release)
    mix: Mix = SHOP
    per_s: float = 40.0
    policy: JudgePolicy = TIME_LAPSE
    server: str = "asgi"
    dead: bool = False
    dies_after: int = 0
    options: tuple[str, ...] = ()
    busy: bool = False
    is_idle: bool = False
    limit_s: float = 300.0
