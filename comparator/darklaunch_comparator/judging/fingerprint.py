"""What evidence rests on: it says nothing about other rules, another shadow's address, or other budgets."""

from dataclasses import asdict
from hashlib import sha256
from typing import Final

import orjson
from darklaunch_shared.launch.spec import LaunchSpec

from .policy import JudgePolicy

_OPERATION: Final = frozenset({
    "policy", "build", "build_header", "allow", "only", "skip", "sticky", "max_age_s", "max_entries", "max_rps",
    "allow_metadata", "shards", "control", "noise_percent",
})  # fmt: skip
"""What decides which exchanges there are, not what a difference is."""


def rules_digest(spec: LaunchSpec) -> str:
    """Give a digest of everything that decides what counts as a difference."""
    rules = {name: value for name, value in asdict(spec).items() if name not in _OPERATION}
    return _digest(rules)


def basis_of(spec: LaunchSpec, policy: JudgePolicy, overruled: int = 0) -> str:
    """Give a digest of the rules and of that in the policy which bets are laid on.

    `overruled` is the number of the latest event after which a launch is judged anew, 0 for none.
    """
    bets = [asdict(policy.budgets), policy.latency_tolerance, policy.strict]
    bets += [[step.bound for step in policy.steps]] if policy.strict else []
    bets += [overruled] if overruled else []
    return _digest([rules_digest(spec), *bets])


def _digest(value: object) -> str:
    return sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
