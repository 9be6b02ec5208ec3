"""Whether the shadow is slower than the primary: a sequential form of McNemar's test at three quantiles.

A threshold is the primary's quantile, taken from exchanges that are strictly earlier than those it is held against. For
each exchange X is +1 when only the shadow is over it and −1 when only the primary is. The pair cancels what both sides
share, so a fifth of the exchanges are enough that a comparison of two quantiles needs, and a tail that alone grew is
seen. A block has one vote, the sign of its sum: stalls hit many requests at once (see `evidence.blocks`).

Source: McNemar, "Note on the sampling error of the difference between correlated proportions" (Psychometrika, 1947).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from darklaunch_comparator.evidence import OutcomeCounts, above, log_e, vote
from darklaunch_comparator.results import histogram

from .policy import QUANTILES, Guard
from .window import JudgedExchange, blocks

BURN_IN: Final = 200
REFRESH: Final = 1_000
LAST: Final = 5_000
_SLOWER: Final = above(0.0, lo=-1)


@dataclass(frozen=True, slots=True)
class LatencyEvidence:
    """What is known of latency within a scope.

    `thresholds` are in ms, by guard; empty until 200 exchanges are seen. `version` counts how often they were taken.
    `pairs` are the exchanges since then, `votes` the blocks. `recent` are histograms of the primary's latencies, oldest
    first; the last one is being filled.
    """

    thresholds: Mapping[Guard, float]
    version: int
    pairs: Mapping[Guard, OutcomeCounts]
    votes: Mapping[Guard, OutcomeCounts]
    recent: tuple[histogram.Histogram, ...]

    @classmethod
    def of(cls) -> "LatencyEvidence":
        """Start with nothing seen."""
        return cls({}, 0, dict.fromkeys(QUANTILES, OutcomeCounts()), dict.fromkeys(QUANTILES, OutcomeCounts()), ({},))

    def after(self, seen: Sequence[JudgedExchange], tolerance: float) -> "LatencyEvidence":
        """Take in the exchanges of one window that were timed on both sides, in order of time."""
        if not seen:
            return self
        pairs, votes = dict(self.pairs), dict(self.votes)
        for guard, threshold in self.thresholds.items():
            for block in blocks(seen):
                counted = _discordant(block, threshold, tolerance)
                pairs[guard] += counted
                votes[guard] += vote(counted)
        *full, filling = self.recent
        filling = dict(filling)
        for each in seen:
            histogram.count_value(filling, each.primary_ms)
        return _refreshed(LatencyEvidence(self.thresholds, self.version, pairs, votes, (*full, filling)))

    def log_e(self, guard: Guard) -> float:
        """Give the log evidence that the shadow is slower at one of the quantiles."""
        return log_e(_SLOWER, self.votes[guard])

    def pack(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {
            "version": self.version,
            "thresholds": {guard.value: threshold for guard, threshold in self.thresholds.items()},
            "pairs": {guard.value: [c.pos, c.neg, c.n] for guard, c in self.pairs.items()},
            "votes": {guard.value: [c.pos, c.neg, c.n] for guard, c in self.votes.items()},
            "recent": [[list(each.keys()), list(each.values())] for each in self.recent],
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "LatencyEvidence":
        """Read what `pack` gave."""
        return cls(
            {Guard(name): threshold for name, threshold in packed["thresholds"].items()},
            packed["version"],
            {Guard(name): OutcomeCounts(*counts) for name, counts in packed["pairs"].items()},
            {Guard(name): OutcomeCounts(*counts) for name, counts in packed["votes"].items()},
            tuple(dict(zip(keys, counts, strict=True)) for keys, counts in packed["recent"]),
        )


def _discordant(pairs: Sequence[JudgedExchange], threshold: float, tolerance: float) -> OutcomeCounts:
    bar = threshold * tolerance
    slower = sum(pair.shadow_ms > bar and pair.primary_ms <= threshold for pair in pairs)
    faster = sum(pair.primary_ms > threshold and pair.shadow_ms <= bar for pair in pairs)
    return OutcomeCounts(slower, faster, len(pairs))


def _refreshed(state: LatencyEvidence) -> LatencyEvidence:
    """Take thresholds anew when enough was seen since the last time, from about the last 5,000."""
    if sum(state.recent[-1].values()) < (REFRESH if state.thresholds else BURN_IN):
        return state
    recent = list(state.recent)
    while sum(sum(each.values()) for each in recent[1:]) >= LAST:
        del recent[0]
    merged = histogram.merge_histograms(recent)
    found = {guard: histogram.quantile_bound(merged, q) for guard, q in QUANTILES.items()}
    thresholds = {guard: value for guard, value in found.items() if value is not None}
    return LatencyEvidence(thresholds, state.version + 1, state.pairs, state.votes, (*recent, {}))
