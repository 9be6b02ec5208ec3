"""Compare stored samples again under other rules. Pure; nothing that is recorded changes.

Only a few samples of each signature exist. A signature's recorded count is shared out equally over its samples, so
every figure is an estimate. How many exchanges would stop matching is unknown: no sample is kept of those that
matched.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from darklaunch_shared.wire.replay import Replay, ShadowResponse

from darklaunch_comparator.compare import NO_NOISE, Comparison, KnownNoise, render_title

from .assess import LaunchRules, compare_exchange


@dataclass(frozen=True, slots=True)
class RecordedSample:
    """A sample, and how often its signature was recorded."""

    fingerprint: str
    endpoint: str
    title: str
    count: int
    exchange_id: str
    replay: Replay


@dataclass(frozen=True, slots=True)
class RejudgedSample:
    """One sample under other rules: its outcome, and its remaining differences in a line."""

    exchange_id: str
    outcome: str
    left: str
    excuses: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class RejudgedSignature:
    """The samples of one signature under other rules, and the signature's count shared out by their outcomes."""

    fingerprint: str
    endpoint: str
    title: str
    count: int
    verdicts: tuple[RejudgedSample, ...]

    @property
    def estimate(self) -> dict[str, float]:
        """About how many of the recorded mismatches would have each outcome."""
        shares: dict[str, float] = {}
        for verdict in self.verdicts:
            shares[verdict.outcome] = shares.get(verdict.outcome, 0.0) + self.count / len(self.verdicts)
        return shares

    @property
    def changed(self) -> bool:
        """Whether at least one sample is no longer a mismatch."""
        return any(verdict.outcome != "mismatched" for verdict in self.verdicts)


def rejudge_samples(
    kept: Iterable[RecordedSample], rules: LaunchRules, noise: Mapping[str, KnownNoise]
) -> list[RejudgedSignature]:
    """Compare every sample again under other rules. Return the outcomes by signature, the most frequent first."""
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
    """Return the sum of the estimates, by outcome."""
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
