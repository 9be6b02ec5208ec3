"""Judging starts over when what evidence depends on changes, and only then."""

from dataclasses import replace

import pytest
from darklaunch_comparator.judging.fingerprint import fingerprint_basis, fingerprint_rules
from darklaunch_comparator.judging.policy import FailureBudgets, JudgeMode, JudgePolicy, LatencyWaiver, RampStep
from darklaunch_shared.launch.spec import LaunchSpec

SPEC, POLICY = LaunchSpec("http://h"), JudgePolicy()
BASIS = fingerprint_basis(SPEC, POLICY)
STEPS = (RampStep(100, 0.01, 10),)


@pytest.mark.parametrize("changes", [{"build": "v2"}, {"max_rps": 5.0}, {"allow": ("POST /x",)}, {"app": "shop"}])
def test_which_exchanges_there_are_is_no_matter(changes: dict[str, object]) -> None:
    assert fingerprint_basis(replace(SPEC, **changes), POLICY) == BASIS  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{"shadow": "http://other"}, {"rules": "x"}, {"path_prefix": "/v2"}])
def test_what_counts_as_a_difference_is(changes: dict[str, object]) -> None:
    assert fingerprint_basis(replace(SPEC, **changes), POLICY) != BASIS  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [{"soak_s": 1.0}, {"mode": JudgeMode.AUTO}, {"steps": STEPS}, {"alpha": 0.01}])
def test_when_a_launch_is_promoted_is_no_matter(changes: dict[str, object]) -> None:
    assert fingerprint_basis(SPEC, replace(POLICY, **changes)) == BASIS  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"budgets": FailureBudgets(mismatch=0.01)},
        {"latency_tolerance": 1.5},
        {"strict": True},
        {"waive_latency": LatencyWaiver("noisy", "ann")},
    ],
)
def test_what_bets_are_laid_against_is(changes: dict[str, object]) -> None:
    assert fingerprint_basis(SPEC, replace(POLICY, **changes)) != BASIS  # type: ignore[arg-type]


def test_block_by_block_the_steps_bounds_count_too() -> None:
    strict = replace(POLICY, strict=True)
    assert fingerprint_basis(SPEC, strict) != fingerprint_basis(SPEC, replace(strict, steps=STEPS))


def test_a_restart_gives_another_basis_under_the_same_rules() -> None:
    restarted = fingerprint_basis(SPEC, POLICY, 7)
    assert restarted != BASIS
    assert restarted.startswith(fingerprint_rules(SPEC)) and BASIS.startswith(fingerprint_rules(SPEC))
