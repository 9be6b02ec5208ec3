"""The policy of a launch: read it, change it setting by setting or with a file, describe it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TextIO, cast

from darklaunch_comparator.errors import BadPolicy
from darklaunch_comparator.judging.policy import JudgePolicy, LatencyWaiver, RampStep
from darklaunch_comparator.judging.policy_file import check_policy, dump_policy, read_policy_values
from darklaunch_comparator.settings import read_settings as read_comparator_settings
from darklaunch_shared.launch.spec import LaunchState

from darklaunch_console.errors import BadUsage
from darklaunch_console.output.numbers import (
    format_count,
    format_decimal,
    format_percent,
    format_seconds,
    format_share,
)
from darklaunch_console.output.screen import make_printable

from .change import current_actor


def parse_policy(text: str) -> JudgePolicy:
    """Parse the policy that a launch carries. Raises BadUsage when it is damaged."""
    try:
        return check_policy(read_policy_values(text))
    except BadPolicy as invalid:
        raise BadUsage(f"{invalid}. Set another with `darklaunch policy set NAME --file FILE`") from None


def read_webhooks(state: LaunchState) -> tuple[str, ...]:
    """Return the webhooks of a launch's policy; () if the policy is damaged, which others report."""
    try:
        return parse_policy(state.spec.policy).webhooks
    except BadUsage:
        return ()


def build_policy(file: TextIO | None, changes: tuple[str, ...], old: JudgePolicy) -> JudgePolicy:
    """Return the policy of a file, or else the old one, with changes like `soak_s=60` made to it. Raises BadUsage."""
    retention_s = read_comparator_settings(os.environ).retention_days * 86_400.0
    try:
        base = read_policy_values(file.read()) if file else dump_policy(old)
        return sign_waiver(check_policy(merge_changes(base, changes), retention_s=retention_s))
    except BadPolicy as invalid:
        raise BadUsage(f"{file.name}: {invalid}" if file else str(invalid)) from None


def waive_recorded_latency(policy: JudgePolicy) -> JudgePolicy:
    """Return the policy of a launch for traffic files: latency is waived, unless it says itself what to do about it."""
    if policy.waive_latency is not None:
        return policy
    reason = "recorded traffic: it was measured elsewhere, at another time"
    return sign_waiver(replace(policy, waive_latency=LatencyWaiver(reason, by="")))


def sign_waiver(policy: JudgePolicy) -> JudgePolicy:
    """Return the policy with who waives latency, if somebody does and no name is given."""
    if policy.waive_latency is None or policy.waive_latency.by:
        return policy
    return replace(policy, waive_latency=replace(policy.waive_latency, by=current_actor()))


def merge_changes(base: Mapping[str, Any], changes: tuple[str, ...]) -> dict[str, Any]:
    """Return a policy document with changes of the form `budgets.mismatch=0.002` made. Raises BadUsage."""
    document = dict(base)
    for text in changes:
        path, equals, value = text.partition("=")
        if not equals or not path.strip():
            raise BadUsage(f"{text!r} sets nothing: write SETTING=VALUE, like soak_s=60")
        *outer, last = path.strip().split(".")
        target = document
        for part in outer:
            inner = target.get(part)
            target[part] = dict(cast(Mapping[str, Any], inner)) if isinstance(inner, Mapping) else {}
            target = target[part]
        target[last] = _parse_value(value)
    return document


def describe_clearing(policy: JudgePolicy, per_s: float) -> str:
    """Return how many exchanges a promotion takes at least and, at a rate of exchanges a second, how long (0: none)."""
    needed = policy.clean_exchanges
    bound = format_share(policy.tightest_bound, 4)
    takes = f"Clearing {bound} takes {format_count(needed)} exchanges without a failure"
    duration = f", {format_seconds(needed / per_s)} at {format_decimal(per_s)}/s" if per_s else ""
    return f"{takes}{duration}."


def describe_policy(policy: JudgePolicy, per_s: float = 0.0) -> list[str]:
    """Return a policy in lines of at most 80 columns; `per_s` is the launch's rate of exchanges a second."""
    budgets, weights = policy.budgets, policy.weights
    rollback_errors, ramp_errors = format_decimal(1 / policy.alpha), format_decimal(1 / policy.beta)
    lines = [
        f"Rolls back, wrongly in at most 1 launch of {rollback_errors} (alpha {policy.alpha:g}), a shadow that",
        f"  mismatches in more than {format_share(budgets.mismatch, 4)} of exchanges (weight {weights.mismatch:g}),",
        f"  gives no response in more than {format_share(budgets.error, 4)} (weight {weights.error:g}),",
        f"  is too slow in more than {format_share(budgets.slow, 4)} (weight {weights.slow:g}),",
        f"  or is slower at p50 (weight {weights.p50:g}), p95 ({weights.p95:g}) or p99 ({weights.p99:g}).",
        *_describe_latency(policy),
        f"Raises the share, wrongly in at most 1 of {ramp_errors} (beta {policy.beta:g}), when fewer fail:",
        *(_describe_step(step, policy.soak_s) for step in policy.steps),
    ]
    if policy.promote_by_hand:
        lines.append("Leaves the promotion to a person.")
    if policy.strict:
        lines.append("Clears rates block by block (strict): safe in bursts, about 100 times slower.")
    coverage, bound = format_share(policy.coverage_share), format_share(policy.endpoint_bound)
    lines.append(f"Promotes when each endpoint with {coverage} of the traffic is below {bound} mismatches.")
    if policy.unjudged:
        lines.append(f"  Except {', '.join(make_printable(endpoint, 60) for endpoint in policy.unjudged)}.")
    lines += [f"Notifies {make_printable(url)}." for url in policy.webhooks]
    return [*lines, describe_clearing(policy, per_s)]


def _describe_latency(policy: JudgePolicy) -> list[str]:
    if waiver := policy.waive_latency:
        return [f"Does not judge latency, waived by {make_printable(waiver.by, 60)}: {make_printable(waiver.reason)}"]
    tolerance_ms, margins = policy.tolerance_ms, policy.margins
    levels = ((tolerance_ms.p50, margins.p50), (tolerance_ms.p95, margins.p95), (tolerance_ms.p99, margins.p99))
    by_ms = ", ".join(f"{ms:g}" for ms, _ in levels)
    shares = ", ".join(format_share(margin, 4) for _, margin in levels)
    return [
        f"  Slower: by over {format_share(policy.latency_tolerance - 1, 4)}, and {by_ms} ms at p50, p95, p99.",
        f"  Not slower: {shares} of requests may be beyond that.",
    ]


def _describe_step(step: RampStep, soak_s: float) -> str:
    by_hand = ", after a person raises it" if step.by_hand else ""
    return (
        f"  {format_percent(step.percent)}: fewer than {format_share(step.bound, 4)} fail of at least "
        f"{format_count(step.minimum)}, for {format_seconds(soak_s)}{by_hand}"
    )


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()
