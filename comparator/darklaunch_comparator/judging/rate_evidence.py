"""One rate that has a budget: how often it failed, and the evidence that it fails too often."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from darklaunch_comparator.evidence import BlockCapital, OutcomeCounts, RestartMixture, above, below, log_e

from .window import blocks


@dataclass(frozen=True, slots=True)
class RateEvidence:
    """A rate of failures within a scope.

    `counts` are failures among exchanges. `excess` is the evidence for more than the budget, block by block, quick
    after a change. `clean` is that for less than each bound, block by block; empty unless the policy is strict.
    """

    counts: OutcomeCounts
    excess: RestartMixture
    clean: tuple[BlockCapital, ...] = ()

    @classmethod
    def of(cls, budget: float, bounds: Sequence[float] = ()) -> "RateEvidence":
        """Start with nothing seen."""
        return cls(
            OutcomeCounts(), RestartMixture.of(above(budget)), tuple(BlockCapital.of(below(bound)) for bound in bounds)
        )

    def after(self, failed: Sequence[bool], budget: float, bounds: Sequence[float] = ()) -> "RateEvidence":
        """Take in the exchanges of one window, in order of time."""
        counts, excess, clean = self.counts, self.excess, self.clean
        for block in blocks(failed):
            counted = OutcomeCounts(sum(block), 0, len(block))
            counts += counted
            excess = excess.after(above(budget), counted)
            clean = tuple(sums.after(below(bound), counted) for sums, bound in zip(clean, bounds, strict=False))
        return RateEvidence(counts, excess, clean)

    def log_clean(self, bound: float, step: int) -> float:
        """Give the log evidence that the rate is below `bound`, which is that of a step of the ramp."""
        return self.clean[step].log_e if self.clean else log_e(below(bound), self.counts)

    def pack(self) -> dict[str, Any]:
        """Give it as JSON values."""
        packed: dict[str, Any] = {"failed": self.counts.pos, "n": self.counts.n, "excess": self.excess.pack()}
        return packed | ({"clean": [sums.pack() for sums in self.clean]} if self.clean else {})

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "RateEvidence":
        """Read what `pack` gave."""
        clean = tuple(BlockCapital.unpack(sums) for sums in packed.get("clean", ()))
        return cls(OutcomeCounts(packed["failed"], 0, packed["n"]), RestartMixture.unpack(packed["excess"]), clean)
