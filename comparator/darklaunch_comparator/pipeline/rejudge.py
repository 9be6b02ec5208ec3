"""What other rules would make of exchanges that are kept as samples. Pure; nothing that was recorded changes.

Samples are kept of each kind of mismatch, a few of each. A kind counts as often as it was recorded, shared out equally
over its samples, so every figure is an estimate; how many exchanges would stop matching cannot be told, because none
is kept of those that matched.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from darklaunch_shared.wire.replay import Replay, ShadowResponse

from darklaunch_comparator.compare import NO_NOISE, Comparison, KnownNoise, render_title

from .assess import LaunchRules, compare_exchange


@dataclass(frozen=True, slots=True)
class RecordedSample:
    """A sample, and how often its kind was recorded."""

    fingerprint: str
    endpoint: str
    title: str
    count: int
    exchange_id: str
    replay: Replay


@dataclass(frozen=True, slots=True)
class RejudgedSample:
    """What the rules make of one sample: its outcome, and what is left of its differences in a line."""

    exchange_id: str
    outcome: str
    left: str
    excuses: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class RejudgedSignature:
    """What the rules make of one kind of mismatch: its samples' verdicts, and its count shared out by outcome."""

    fingerprint: str
    endpoint: str
    title: str
    count: int
    verdicts: tuple[RejudgedSample, ...]

    @property
    def estimate(self) -> dict[str, float]:
        """How many of the recorded mismatches would have which outcome, about."""
        shares: dict[str, float] = {}
        for verdict in self.verdicts:
            shares[verdict.outcome] = shares.get(verdict.outcome, 0.0) + self.count / len(self.verdicts)
        return shares

    @property
    def changed(self) -> bool:
        """Whether a sample is no mismatch any more."""
        return any(verdict.outcome != "mismatched" for verdict in self.verdicts)


def rejudge_samples(
    kept: Iterable[RecordedSample], rules: LaunchRules, noise: Mapping[str, KnownNoise]
) -> list[RejudgedSignature]:
    """Compare every sample again under rules, and give what came of it by kind, the most frequent first."""
    kinds: dict[str, tuple[RecordedSample, list[RejudgedSample]]] = {}
    for sample in kept:
        if isinstance(sample.replay.shadow, ShadowResponse):
            _, verdicts = kinds.setdefault(sample.fingerprint, (sample, []))
            verdicts.append(_verdict(sample, sample.replay.shadow, rules, noise))
    found = [
        RejudgedSignature(first.fingerprint, first.endpoint, first.title, first.count, tuple(verdicts))
        for first, verdicts in kinds.values()
    ]
    return sorted(found, key=lambda kind: (-kind.count, kind.endpoint, kind.fingerprint))


def sum_estimates(kinds: Iterable[RejudgedSignature]) -> dict[str, float]:
    """Sum the estimates up, by outcome."""
    sums: dict[str, float] = {}
    for kind in kinds:
        for outcome, share in kind.estimate.items():
            sums[outcome] = sums.get(outcome, 0.0) + share
    return sums


def _verdict(
    sample: RecordedSample, shadow: ShadowResponse, rules: LaunchRules, noise: Mapping[str, KnownNoise]
) -> RejudgedSample:
    outcome, reason, comparison = compare_exchange(
        sample.replay.exchange, shadow, rules, noise.get(sample.endpoint, NO_NOISE)
    )
    return RejudgedSample(sample.exchange_id, outcome, _left(comparison) or reason or "", _excuses(comparison))


def _left(comparison: Comparison | None) -> str:
    return render_title(comparison) if comparison and comparison.differences else ""


def _excuses(comparison: Comparison | None) -> tuple[tuple[str, str, int], ...]:
    return tuple((each.path, each.reason.value, each.count) for each in comparison.excuses) if comparison else ()
