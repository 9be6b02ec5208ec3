"""Evidence about one rate that has a budget: mismatches, shadow errors or slow requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from darklaunch_comparator.evidence import BlockCapital, OutcomeCounts, RestartMixture, above, below, log_e

from .window import split_into_blocks


@dataclass(frozen=True, slots=True)
class RateEvidence:
    """How often one kind of failure occurred, and the evidence for and against too many.

    counts   failures among exchanges
    excess   evidence that the rate exceeds its budget, bet on block by block; quick to notice a change
    clean    evidence that the rate is below each step's bound, block by block; empty unless the policy is strict
    first_ms when the first failure was captured, 0 before
    """

    counts: OutcomeCounts
    excess: RestartMixture
    clean: tuple[BlockCapital, ...] = ()
    first_ms: int = 0

    @classmethod
    def empty(cls, budget: float, strict_bounds: Sequence[float] = ()) -> "RateEvidence":
        """Return the evidence before the first exchange."""
        clean = tuple(BlockCapital.empty(below(bound)) for bound in strict_bounds)
        return cls(OutcomeCounts(), RestartMixture.empty(above(budget)), clean)

    def with_window(
        self, failed: Sequence[bool], budget: float, bounds: Sequence[float] = (), *, start_ms: int = 0
    ) -> "RateEvidence":
        """Return the evidence with one more window, its exchanges in order of time; it started at `start_ms`."""
        counts = self.counts
        excess = self.excess
        clean = self.clean
        for block in split_into_blocks(failed):
            block_counts = OutcomeCounts(sum(block), 0, len(block))
            counts += block_counts
            excess = excess.with_block(above(budget), block_counts)
            # strict=False: `clean` is empty unless the policy is strict.
            clean = tuple(
                capital.with_block(below(bound), block_counts) for capital, bound in zip(clean, bounds, strict=False)
            )
        return RateEvidence(counts, excess, clean, self.first_ms or (start_ms if any(failed) else 0))

    def log_e_below(self, bound: float, step: int) -> float:
        """Return log E for "the rate is below `bound`", where `bound` is that of the ramp's `step`."""
        return self.clean[step].log_e if self.clean else log_e(below(bound), self.counts)

    def pack(self) -> dict[str, Any]:
        """Return the evidence as JSON values."""
        packed: dict[str, Any] = {"failed": self.counts.pos, "n": self.counts.n, "excess": self.excess.pack()}
        packed |= {"first_ms": self.first_ms} if self.first_ms else {}
        return packed | ({"clean": [capital.pack() for capital in self.clean]} if self.clean else {})

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "RateEvidence":
        """Read what `pack` returned."""
        clean = tuple(BlockCapital.unpack(capital) for capital in packed.get("clean", ()))
        counts = OutcomeCounts(packed["failed"], 0, packed["n"])
        return cls(counts, RestartMixture.unpack(packed["excess"]), clean, packed.get("first_ms", 0))
