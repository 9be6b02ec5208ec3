"""A policy as people write it: TOML or JSON, with defaults for what is left out; errors say what to write instead.

A launch carries its whole policy as JSON, so that an upgrade with other defaults does not change running launches.
"""

import difflib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Self, cast
from urllib.parse import urlsplit

import orjson
from darklaunch_shared.process.server_url import redact_url
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from darklaunch_comparator.errors import BadPolicy

from .policy import (
    DEFAULT_MARGINS,
    DEFAULT_STEPS,
    DEFAULT_TOLERANCE_MS,
    FailureBudgets,
    GuardWeights,
    JudgeMode,
    JudgePolicy,
    LatencyLevels,
    LatencyWaiver,
    RampStep,
)

Fraction = float
_ROUNDING = 1e-9


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class _Budgets(_Section):
    mismatch: Fraction = Field(default=FailureBudgets().mismatch, gt=0, lt=1)
    error: Fraction = Field(default=FailureBudgets().error, gt=0, lt=1)
    slow: Fraction = Field(default=FailureBudgets().slow, gt=0, lt=1)


class _Weights(_Section):
    mismatch: Fraction = Field(default=GuardWeights().mismatch, ge=0)
    error: Fraction = Field(default=GuardWeights().error, ge=0)
    slow: Fraction = Field(default=GuardWeights().slow, ge=0)
    p50: Fraction = Field(default=GuardWeights().p50, ge=0)
    p95: Fraction = Field(default=GuardWeights().p95, ge=0)
    p99: Fraction = Field(default=GuardWeights().p99, ge=0)

    @model_validator(mode="after")
    def _check_sum(self) -> Self:
        total = math.fsum(self.model_dump().values())
        if abs(total - 1) > _ROUNDING:
            raise ValueError(f"they sum to {total:g}; weights must sum to 1")
        return self


class _Levels(_Section):
    p50: float
    p95: float
    p99: float


class _ToleranceMs(_Levels):
    p50: float = Field(default=DEFAULT_TOLERANCE_MS.p50, ge=0, le=60_000)
    p95: float = Field(default=DEFAULT_TOLERANCE_MS.p95, ge=0, le=60_000)
    p99: float = Field(default=DEFAULT_TOLERANCE_MS.p99, ge=0, le=60_000)


class _Margins(_Levels):
    p50: Fraction = Field(default=DEFAULT_MARGINS.p50, gt=0, lt=1)
    p95: Fraction = Field(default=DEFAULT_MARGINS.p95, gt=0, lt=1)
    p99: Fraction = Field(default=DEFAULT_MARGINS.p99, gt=0, lt=1)


class _Waiver(_Section):
    reason: str = Field(min_length=1, max_length=500)
    by: str = Field(default="", max_length=100)


class _Step(_Section):
    percent: float = Field(gt=0, le=100)
    bound: Fraction = Field(gt=0, lt=1)
    minimum: int = Field(ge=1)
    by_hand: bool = False


class _Document(_Section):
    mode: str = JudgeMode.ADVISE.value
    alpha: Fraction = 0.05
    beta: Fraction = 0.05
    budgets: _Budgets = _Budgets()
    weights: _Weights = _Weights()
    latency_tolerance: float = Field(default=JudgePolicy().latency_tolerance, ge=1, le=100)
    tolerance_ms: _ToleranceMs = _ToleranceMs()
    margins: _Margins = _Margins()
    waive_latency: _Waiver | None = None
    steps: list[_Step] = Field(default=[_Step(**asdict(step)) for step in DEFAULT_STEPS], min_length=1, max_length=100)
    soak_s: float = Field(default=JudgePolicy().soak_s, ge=0)
    promote_by_hand: bool = False
    strict: bool = False
    endpoint_bound: Fraction = Field(default=JudgePolicy().endpoint_bound, gt=0, lt=1)
    coverage_share: Fraction = Field(default=JudgePolicy().coverage_share, gt=0, le=1)
    unjudged: list[str] = Field(default=[], max_length=1000)
    webhooks: list[str] = Field(default=[], max_length=10)

    @field_validator("mode")
    @classmethod
    def _check_mode(cls, mode: str) -> str:
        if mode not in list(JudgeMode):
            raise ValueError(f"{mode!r} is not a mode: write one of {', '.join(JudgeMode)}")
        return mode

    @field_validator("waive_latency", mode="before")
    @classmethod
    def _allow_no_waiver(cls, waiver: object) -> object:
        return None if waiver in ("", "none", False) else waiver

    @field_validator("alpha", "beta")
    @classmethod
    def _check_error_rate(cls, rate: float) -> float:
        if not 0 < rate <= 0.5:
            raise ValueError(
                f"{rate:g} cannot be the probability of a wrong decision: at 0 no evidence would ever suffice, "
                "above 0.5 tossing a coin would do; write 0.05"
            )
        return rate

    @field_validator("webhooks")
    @classmethod
    def _check_addresses(cls, urls: list[str]) -> list[str]:
        for url in urls:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
                raise ValueError(
                    f"{redact_url(url)!r} is not an address: write http://HOST/PATH or https://HOST/PATH, "
                    "without a user"
                )
        return urls

    @model_validator(mode="after")
    def _check_steps(self) -> Self:
        for before, after in zip(self.steps, self.steps[1:], strict=False):
            if after.percent <= before.percent:
                raise ValueError(f"steps go down: {after.percent:g} % comes after {before.percent:g} %; sort them")
            if after.bound > before.bound:
                raise ValueError(
                    f"the bound at {after.percent:g} % is looser ({after.bound:g}) than the one before it "
                    f"({before.bound:g}): more traffic would need less proof"
                )
        last = self.steps[-1].bound
        for guard, budget in self.budgets.model_dump().items():
            if budget < last:
                raise ValueError(
                    f"the {guard} budget {budget:g} is tighter than the last step's bound {last:g}: the launch could "
                    f"be promoted without being shown to keep its budget; set that bound to {budget:g}"
                )
        return self


_SETTINGS = [name for part in (_Document, _Budgets, _Weights, _Step, _Margins, _Waiver) for name in part.model_fields]


def read_policy(text: str) -> JudgePolicy:
    """Read a policy from TOML or JSON; "" is the default policy. Raises BadPolicy."""
    return check_policy(read_policy_values(text))


def read_policy_values(text: str) -> Mapping[str, Any]:
    """Parse TOML or JSON without checking the values. Raises BadPolicy if it is neither."""
    try:
        values: Any = orjson.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (orjson.JSONDecodeError, tomllib.TOMLDecodeError) as broken:
        raise BadPolicy(f"the policy is neither TOML nor JSON: {broken}") from None
    return cast(Mapping[str, Any], values)


def check_policy(values: Mapping[str, Any], *, retention_s: float = math.inf) -> JudgePolicy:
    """Return the policy with these values, and defaults for the rest. `retention_s` is how long results are kept.

    Raises BadPolicy, which says what is wrong with which setting and what to write instead.
    """
    try:
        document = _Document.model_validate(values)
    except ValidationError as invalid:
        reasons = "; ".join(_explain_error(dict(error)) for error in invalid.errors())
        raise BadPolicy(f"the policy cannot be used: {reasons}") from None
    policy = JudgePolicy(
        mode=JudgeMode(document.mode),
        alpha=document.alpha,
        beta=document.beta,
        budgets=FailureBudgets(**document.budgets.model_dump()),
        weights=GuardWeights(**document.weights.model_dump()),
        latency_tolerance=document.latency_tolerance,
        tolerance_ms=LatencyLevels(**document.tolerance_ms.model_dump()),
        margins=LatencyLevels(**document.margins.model_dump()),
        waive_latency=LatencyWaiver(**document.waive_latency.model_dump()) if document.waive_latency else None,
        steps=tuple(RampStep(**step.model_dump()) for step in document.steps),
        soak_s=document.soak_s,
        promote_by_hand=document.promote_by_hand,
        strict=document.strict,
        endpoint_bound=document.endpoint_bound,
        coverage_share=document.coverage_share,
        unjudged=tuple(document.unjudged),
        webhooks=tuple(document.webhooks),
    )
    if policy.total_soak_s > retention_s:
        raise BadPolicy(
            f"the policy cannot be used: soak_s: {len(policy.steps)} steps of {policy.soak_s:,.0f} s last longer than "
            f"results are kept ({retention_s / 86_400:g} days, DARKLAUNCH_RETENTION_DAYS): shorten it"
        )
    return policy


def dump_policy_json(policy: JudgePolicy) -> str:
    """Return a policy as the JSON that a launch carries."""
    return orjson.dumps(asdict(policy)).decode()


def dump_policy(policy: JudgePolicy) -> dict[str, Any]:
    """Return a policy as JSON values, defaults included."""
    values: dict[str, Any] = orjson.loads(dump_policy_json(policy))
    return values


def _explain_error(error: dict[str, Any]) -> str:
    setting = ".".join(str(part) for part in error["loc"])
    kind, message = error["type"], str(error["msg"]).removeprefix("Value error, ").replace("Input should", "it should")
    if kind == "extra_forbidden":
        similar = difflib.get_close_matches(str(error["loc"][-1]), _SETTINGS, n=1)
        message = f"there is no such setting{f'; did you mean {similar[0]}?' if similar else ''}"
    elif kind == "missing":
        message = "is missing"
    elif kind == "list_type":
        message = 'write a list, like ["…", "…"]'
    elif "input" in error and isinstance(error["input"], str | int | float):
        message = f"{message}, got {str(error['input'])[:60]!r}" if kind != "value_error" else message
    return f"{setting}: {message}" if setting else message
