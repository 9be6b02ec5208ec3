"""The restart mixture: evidence that notices a change after a long good stretch.

A gambler who has lost for 50,000 exchanges must win all of it back before the evidence shows. So a new gambler starts
at each block, with a share of the capital that is fixed in advance: E = Σ_b E^(b)/((b+1)(b+2)) + 1/(B+1), where E^(b)
bets from block b on (b = 0, 1, …, B−1), and 1/(B+1) is the capital of the gamblers who have not started. A fixed
mixture of e-processes, each of which starts at 1, is an e-process.

State does not grow with B. Per stake, M = Σ_b K^(b)/((b+1)(b+2)), and a block that multiplies each K^(b) by k changes
it to (M + 1/((B+1)(B+2)))·k: one float per stake, and the number of blocks.

Source: a sum over starting points updated in this way is Shiryaev's and Roberts' procedure; with e-processes, Shin,
Ramdas and Rinaldo, "E-detectors" (arXiv 2203.03532). Here the weights sum to 1, so that Ville's inequality holds.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .betting import Bet, OutcomeCounts, log_mean_exp, log_sum_exp
from .blocks import block_growths


@dataclass(frozen=True, slots=True)
class RestartMixture:
    """Log capital per stake of the gamblers who have started, after blocks in order of time.

    The order matters, because this evidence is about *when*. Two mixtures cannot be merged; merge the counts of a block
    before betting on it. `pack` and `unpack` lose no bit, so that a resumed mixture continues exactly.
    """

    blocks: int
    log_started: tuple[float, ...]

    @classmethod
    def empty(cls, bet: Bet) -> "RestartMixture":
        """Return the mixture before the first block."""
        return cls(0, (-math.inf,) * len(bet.stakes))

    def with_block(self, bet: Bet, block: OutcomeCounts) -> "RestartMixture":
        """Return the mixture after the next closed block. An empty block changes nothing."""
        growths = block_growths(bet, block, len(self.log_started))
        if growths is None:
            return self
        log_newcomer = -math.log((self.blocks + 1) * (self.blocks + 2))
        pairs = zip(self.log_started, growths, strict=True)
        log_started = tuple(log_sum_exp((log, log_newcomer)) + growth for log, growth in pairs)
        return RestartMixture(self.blocks + 1, log_started)

    @property
    def log_e(self) -> float:
        """The log evidence up to the last block."""
        return log_sum_exp((log_mean_exp(self.log_started), -math.log(self.blocks + 1)))

    def pack(self) -> dict[str, Any]:
        """Return the mixture as JSON values; null is −inf. JSON floats read back to the same bits."""
        return {"blocks": self.blocks, "log_started": [None if log == -math.inf else log for log in self.log_started]}

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "RestartMixture":
        """Read what `pack` returned. Raises KeyError, TypeError or ValueError on anything else."""
        logs = tuple(-math.inf if log is None else float(log) for log in packed["log_started"])
        if not logs or any(math.isnan(log) for log in logs):
            raise ValueError("the log capital of each stake is a number or null")
        return cls(int(packed["blocks"]), logs)
