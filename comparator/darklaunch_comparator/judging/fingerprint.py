"""Fingerprints of what evidence depends on. When one changes, judging starts over."""

from dataclasses import asdict
from hashlib import sha256
from typing import Final

import orjson
from darklaunch_shared.launch.spec import LaunchSpec

from .policy import JudgePolicy

_OPERATIONAL_FIELDS: Final = frozenset({
    "policy", "build", "build_header", "allow", "only", "skip", "sticky", "max_age_s", "max_entries", "max_rps",
    "allow_metadata", "shards", "control", "noise_percent", "app",
})  # fmt: skip
"""Fields of a launch that decide which exchanges there are, not what counts as a difference."""


def fingerprint_rules(spec: LaunchSpec) -> str:
    """Return a digest of the launch's fields that decide what counts as a difference."""
    return _digest({name: value for name, value in asdict(spec).items() if name not in _OPERATIONAL_FIELDS})


def fingerprint_basis(spec: LaunchSpec, policy: JudgePolicy, restart_event: int = 0) -> str:
    """Return a digest of the rules and of the policy fields that evidence depends on. It begins with that of the rules.

    `restart_event` is the number of the latest event that restarts judging, 0 for none.
    """
    parts: list[object] = [asdict(policy.budgets), policy.latency_tolerance, policy.strict]
    parts += [asdict(policy.tolerance_ms), policy.judges_latency]
    if policy.strict:
        parts.append([step.bound for step in policy.steps])
    if restart_event:
        parts.append(restart_event)
    return f"{fingerprint_rules(spec)}{_digest(parts)}"


def _digest(value: object) -> str:
    return sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
