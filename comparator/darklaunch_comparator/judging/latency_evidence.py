"""Evidence that the shadow is slower than the primary: a sequential form of McNemar's test at three quantiles.

Each threshold is a quantile of the primary's latency, taken only from exchanges strictly earlier than those it is
applied to. Per exchange, X is +1 when only the shadow exceeds the threshold and −1 when only the primary does. The pair
cancels what both sides share, so that a fifth of the exchanges suffices that comparing two quantiles would need, and a
change of the tail alone is seen. A block has one vote, the sign of its sum: a stall slows many requests at once (see
`evidence.blocks`).

Source: McNemar, "Note on the sampling error of the difference between correlated proportions" (Psychometrika, 1947).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from darklaunch_comparator.evidence import OutcomeCounts, above, block_vote, log_e
from darklaunch_comparator.results import histogram

from .policy import QUANTILES, Guard
from .window import JudgedExchange, split_into_blocks

BURN_IN: Final = 200
"""Exchanges before the first thresholds are taken."""
REFRESH: Final = 1_000
"""Exchanges after which thresholds are taken again."""
HISTORY: Final = 5_000
"""Exchanges, at least, that thresholds are taken from once there are as many."""
_SLOWER: Final = above(0.0, lo=-1)


@dataclass(frozen=True, slots=True)
class LatencyEvidence:
    """What is known of the latency of one endpoint, or of all together.

    thresholds   ms by guard; empty until 200 exchanges were timed
    version      how often thresholds were taken
    pairs        +1, −1 and n of the exchanges since the first thresholds, by guard
    votes        the same of the blocks
    recent       histograms of the primary's latency, oldest first; the last one is still being filled
    """

    thresholds: Mapping[Guard, float]
    version: int
    pairs: Mapping[Guard, OutcomeCounts]
    votes: Mapping[Guard, OutcomeCounts]
    recent: tuple[histogram.Histogram, ...]

    @classmethod
    def empty(cls) -> "LatencyEvidence":
        """Return the evidence before the first exchange."""
        nothing = dict.fromkeys(QUANTILES, OutcomeCounts())
        return cls(thresholds={}, version=0, pairs=nothing, votes=nothing, recent=({},))

    def with_window(self, timed: Sequence[JudgedExchange], tolerance: float) -> "LatencyEvidence":
        """Return the evidence with one more window: its exchanges that were timed on both sides, in order of time.

        `tolerance` divides the shadow's latency before it is compared with a threshold.
        """
        if not timed:
            return self
        pairs = dict(self.pairs)
        votes = dict(self.votes)
        for guard, threshold in self.thresholds.items():
            for block in split_into_blocks(timed):
                block_counts = _count_discordant(block, threshold, tolerance)
                pairs[guard] += block_counts
                votes[guard] += block_vote(block_counts)
        *full, filling = self.recent
        filling = dict(filling)
        for exchange in timed:
            histogram.count_value(filling, exchange.primary_ms)
        return _refresh_thresholds(
            LatencyEvidence(
                thresholds=self.thresholds, version=self.version, pairs=pairs, votes=votes, recent=(*full, filling)
            )
        )

    def log_e(self, guard: Guard) -> float:
        """Return log E for "the shadow is slower at this quantile"."""
        return log_e(_SLOWER, self.votes[guard])

    def pack(self) -> dict[str, Any]:
        """Return the evidence as JSON values."""
        return {
            "version": self.version,
            "thresholds": {guard.value: threshold for guard, threshold in self.thresholds.items()},
            "pairs": {guard.value: [c.pos, c.neg, c.n] for guard, c in self.pairs.items()},
            "votes": {guard.value: [c.pos, c.neg, c.n] for guard, c in self.votes.items()},
            "recent": [[list(buckets.keys()), list(buckets.values())] for buckets in self.recent],
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "LatencyEvidence":
        """Read what `pack` returned."""
        return cls(
            thresholds={Guard(name): threshold for name, threshold in packed["thresholds"].items()},
            version=packed["version"],
            pairs={Guard(name): OutcomeCounts(*counts) for name, counts in packed["pairs"].items()},
            votes={Guard(name): OutcomeCounts(*counts) for name, counts in packed["votes"].items()},
            recent=tuple(dict(zip(keys, counts, strict=True)) for keys, counts in packed["recent"]),
        )


def _count_discordant(exchanges: Sequence[JudgedExchange], threshold: float, tolerance: float) -> OutcomeCounts:
    """Count the exchanges in which only the shadow (`pos`) or only the primary (`neg`) exceeds the threshold."""
    shadow_threshold = threshold * tolerance
    slower = sum(each.shadow_ms > shadow_threshold and each.primary_ms <= threshold for each in exchanges)
    faster = sum(each.primary_ms > threshold and each.shadow_ms <= shadow_threshold for each in exchanges)
    return OutcomeCounts(slower, faster, len(exchanges))


def _refresh_thresholds(evidence: LatencyEvidence) -> LatencyEvidence:
    """Take new thresholds from about the last 5,000 exchanges, once enough were seen since the last time."""
    if sum(evidence.recent[-1].values()) < (REFRESH if evidence.thresholds else BURN_IN):
        return evidence
    recent = list(evidence.recent)
    while sum(sum(buckets.values()) for buckets in recent[1:]) >= HISTORY:
        del recent[0]
    merged = histogram.merge_histograms(recent)
    bounds = {guard: histogram.quantile_bound(merged, q) for guard, q in QUANTILES.items()}
    return LatencyEvidence(
        thresholds={guard: bound for guard, bound in bounds.items() if bound is not None},
        version=evidence.version + 1,
        pairs=evidence.pairs,
        votes=evidence.votes,
        recent=(*recent, {}),
    )
