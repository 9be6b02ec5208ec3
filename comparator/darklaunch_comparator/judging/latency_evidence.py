"""Evidence that the shadow is slower than the primary, and that it is not: McNemar's test, sequential, two-sided.

Each threshold is a quantile of the reference (the primary, or the baseline), taken only from exchanges strictly earlier
than those it is applied to. Per exchange, X is +1 when only the shadow exceeds its limit and −1 when only the reference
exceeds its threshold. The limit is the threshold plus what nobody would act on: a tolerance, relative or absolute,
whichever is more. The pair cancels what both sides share, so that a fifth of the exchanges suffices that comparing two
quantiles would need, and a change of the tail alone is seen.

slower      E[X] > 0; a block has one vote, the sign of its sum: a stall slows many requests at once (`evidence.blocks`)
not slower  E[X] < a margin, exchange by exchange

Timed from outside, by the worker alone, the shadow's time has parts that no clock inside the primary sees. A constant
part is measured, within bounds, and allowed for; and only a difference that no such part explains counts as slower.

Source: McNemar, "Note on the sampling error of the difference between correlated proportions" (Psychometrika, 1947).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from darklaunch_comparator.evidence import OutcomeCounts, above, below, block_vote, log_e
from darklaunch_comparator.results import histogram
from darklaunch_comparator.results.histogram import Histogram
from darklaunch_comparator.results.latency_clock import LatencyClock

from .policy import QUANTILES, Guard, JudgePolicy
from .window import JudgedExchange, split_into_blocks

BURN_IN: Final = 200
"""Exchanges before the first thresholds are taken."""
REFRESH: Final = 1_000
"""Exchanges after which thresholds are taken again."""
HISTORY: Final = 5_000
"""Exchanges, at least, that thresholds are taken from once there are as many."""
BASELINE_LEAST: Final = {Guard.P50: 50, Guard.P95: 100, Guard.P99: 200}
"""Replays of the baseline from which on its own slowness of being replayed counts. Limits wait for them for a while."""
OUTSIDE_OFFSET: Final = 2.0
"""How many times the absolute tolerance a constant part of a time taken from outside may be."""
OUTSIDE_RELATIVE: Final = 1.0
OUTSIDE_ABSOLUTE: Final = 10.0
"""Timed from outside, slower means: by more than this share, and this many times the absolute tolerance."""
SUSPECT_LEAST: Final = 50
"""Exchanges from which on an endpoint that looks slower prevents a promotion."""
_SLOWER: Final = above(0.0, lo=-1)


@dataclass(frozen=True, slots=True)
class LatencyLimits:
    """Limits at one quantile, in ms.

    reference_ms   the reference's quantile
    cleared_ms     the shadow is not slower if it exceeds this no more often than the reference exceeds its own
    condemned_ms   it is slower if it exceeds this more often
    """

    reference_ms: float
    cleared_ms: float
    condemned_ms: float


@dataclass(frozen=True, slots=True)
class LatencyChunk:
    """Histograms of consecutive exchanges: both sides, and `extra`.

    `extra` is the baseline's time in the app, or, timed from outside, the difference of the two sides.
    """

    reference: Histogram = field(default_factory=Histogram)
    shadow: Histogram = field(default_factory=Histogram)
    extra: Histogram = field(default_factory=Histogram)

    @property
    def n(self) -> int:
        """Exchanges in it."""
        return sum(self.reference.values())

    def with_exchanges(self, timed: Sequence[JudgedExchange], clock: LatencyClock) -> "LatencyChunk":
        """Return the chunk with more exchanges."""
        chunk = LatencyChunk(dict(self.reference), dict(self.shadow), dict(self.extra))
        for exchange in timed:
            histogram.count_value(chunk.reference, exchange.primary_ms)
            histogram.count_value(chunk.shadow, exchange.shadow_ms)
            if clock is LatencyClock.WORKER:
                histogram.count_value(chunk.extra, exchange.shadow_ms - exchange.primary_ms)
            elif clock is LatencyClock.HOOK and exchange.baseline_ms is not None:
                histogram.count_value(chunk.extra, exchange.baseline_ms)
        return chunk

    def pack(self) -> list[list[list[int]]]:
        """Return it as JSON values."""
        return [[list(each.keys()), list(each.values())] for each in (self.reference, self.shadow, self.extra)]

    @classmethod
    def unpack(cls, packed: Sequence[Sequence[Sequence[int]]]) -> "LatencyChunk":
        """Read what `pack` returned."""
        return cls(*(dict(zip(keys, counts, strict=True)) for keys, counts in packed))


_NO_PAIRS: Final = dict.fromkeys(QUANTILES, OutcomeCounts())


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyEvidence:
    """What is known of the latency of one endpoint, or of all together, by one clock.

    n           exchanges timed
    over, under those of them of which the shadow, or the reference, was slower by more than is tolerated at p50
    first_over_ms   when the first of these was captured
    limits      by guard; empty until 200 exchanges were timed
    version     how often limits were taken
    offset_ms   the constant part of a time taken from outside that is allowed for at p50
    pairs       +1, −1 and n of the exchanges since the first limits, by guard, against `condemned_ms`
    votes       the same of the blocks
    cleared     as `pairs`, against `cleared_ms`
    recent      the latest exchanges, oldest first; the last chunk is still being filled
    """

    clock: LatencyClock
    n: int = 0
    over: int = 0
    under: int = 0
    first_over_ms: int = 0
    limits: Mapping[Guard, LatencyLimits] = field(default_factory=dict[Guard, LatencyLimits])
    version: int = 0
    offset_ms: float = 0.0
    pairs: Mapping[Guard, OutcomeCounts] = field(default_factory=lambda: dict(_NO_PAIRS))
    votes: Mapping[Guard, OutcomeCounts] = field(default_factory=lambda: dict(_NO_PAIRS))
    cleared: Mapping[Guard, OutcomeCounts] = field(default_factory=lambda: dict(_NO_PAIRS))
    recent: tuple[LatencyChunk, ...] = (LatencyChunk(),)

    def with_window(self, timed: Sequence[JudgedExchange], policy: JudgePolicy) -> "LatencyEvidence":
        """Return the evidence with one more window: its exchanges that were timed by this clock, in order of time."""
        if not timed:
            return self
        pairs = dict(self.pairs)
        votes = dict(self.votes)
        cleared = dict(self.cleared)
        for guard, limits in self.limits.items():
            for block in split_into_blocks(timed):
                block_counts = _count_discordant(block, limits.reference_ms, limits.condemned_ms)
                pairs[guard] += block_counts
                votes[guard] += block_vote(block_counts)
                same = limits.cleared_ms == limits.condemned_ms
                cleared[guard] += (
                    block_counts if same else _count_discordant(block, limits.reference_ms, limits.cleared_ms)
                )
        *full, filling = self.recent
        over = [exchange for exchange in timed if self._is_over(exchange, policy)]
        evidence = replace(
            self,
            n=self.n + len(timed),
            over=self.over + len(over),
            under=self.under + sum(self._is_under(exchange, policy) for exchange in timed),
            first_over_ms=self.first_over_ms or (over[0].at_ms if over else 0),
            pairs=pairs,
            votes=votes,
            cleared=cleared,
            recent=(*full, filling.with_exchanges(timed, self.clock)),
        )
        return _refresh_limits(evidence, policy)

    def log_e(self, guard: Guard) -> float:
        """Return log E for "the shadow is slower at this quantile"."""
        return log_e(_SLOWER, self.votes[guard])

    def log_e_below(self, guard: Guard, margin: float) -> float:
        """Return log E for "the shadow exceeds its limit by less than `margin` of the requests more than expected"."""
        return log_e(below(margin, lo=-1), self.cleared[guard])

    def pairs_needed(self, guard: Guard, margin: float, threshold: float) -> int | None:
        """Return how many more exchanges clear this quantile if they are as those so far; None if none do."""
        counts = self.cleared[guard]
        if self.log_e_below(guard, margin) >= threshold:
            return 0
        if counts.n < SUSPECT_LEAST:
            return max(1, BURN_IN - self.n) + BURN_IN * 5
        mean = (counts.pos - counts.neg) / counts.n
        if mean >= margin:
            return None
        for times in (1.1, 1.25, 1.5, 2, 3, 4, 6, 8, 12, 16, 32):
            pos, neg = round(counts.pos * times), round(counts.neg * times)
            scaled = OutcomeCounts(pos, neg, math.ceil(counts.n * times) + 1)
            if log_e(below(margin, lo=-1), scaled) >= threshold:
                return scaled.n - counts.n
        return None

    def looks_slower(self, guard: Guard, margin: float) -> bool:
        """True if what was seen so far is beyond the margin, by more than a standard error."""
        counts = self.cleared[guard]
        if counts.n < SUSPECT_LEAST:
            return False
        return (counts.pos - counts.neg - math.sqrt(counts.pos + counts.neg)) / counts.n > margin

    def quantile_ms(self, guard: Guard) -> tuple[float, float] | None:
        """Return the quantiles of the reference and of the shadow, in ms, over the latest exchanges; None for none."""
        sides = (histogram.merge_histograms(getattr(chunk, side) for chunk in self.recent) for side in _SIDES)
        before_ms, after_ms = (histogram.quantile(side, QUANTILES[guard]) for side in sides)
        return None if before_ms is None or after_ms is None else (before_ms, after_ms)

    def pack(self) -> dict[str, Any]:
        """Return the evidence as JSON values."""
        return {
            "n": self.n,
            "over": self.over,
            "under": self.under,
            "first_over_ms": self.first_over_ms,
            "version": self.version,
            "offset_ms": self.offset_ms,
            "limits": {
                guard.value: [limits.reference_ms, limits.cleared_ms, limits.condemned_ms]
                for guard, limits in self.limits.items()
            },
            **{
                name: {guard.value: [counts.pos, counts.neg, counts.n] for guard, counts in kind.items()}
                for name, kind in (("pairs", self.pairs), ("votes", self.votes), ("cleared", self.cleared))
            },
            "recent": [chunk.pack() for chunk in self.recent],
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], clock: LatencyClock) -> "LatencyEvidence":
        """Read what `pack` returned."""
        counts = {
            kind: {Guard(name): OutcomeCounts(*numbers) for name, numbers in packed[kind].items()}
            for kind in ("pairs", "votes", "cleared")
        }
        return cls(
            clock=clock,
            n=packed["n"],
            over=packed["over"],
            under=packed["under"],
            first_over_ms=packed["first_over_ms"],
            limits={Guard(name): LatencyLimits(*limits) for name, limits in packed["limits"].items()},
            version=packed["version"],
            offset_ms=packed["offset_ms"],
            recent=tuple(LatencyChunk.unpack(chunk) for chunk in packed["recent"]),
            **counts,
        )

    @property
    def slower_share(self) -> float:
        """The part of the requests that were slower than is tolerated, less those that were as much faster."""
        return max(0, self.over - self.under) / self.n if self.n else 0.0

    def _is_under(self, exchange: JudgedExchange, policy: JudgePolicy) -> bool:
        allowed_ms = max(exchange.shadow_ms * (policy.latency_tolerance - 1), policy.tolerance_ms.p50)
        return exchange.primary_ms - exchange.shadow_ms > allowed_ms - self.offset_ms

    def _is_over(self, exchange: JudgedExchange, policy: JudgePolicy) -> bool:
        allowed_ms = max(exchange.primary_ms * (policy.latency_tolerance - 1), policy.tolerance_ms.p50)
        return exchange.shadow_ms - exchange.primary_ms > allowed_ms + self.offset_ms


_SIDES: Final = ("reference", "shadow")


@dataclass(frozen=True, slots=True)
class ClockedLatencies:
    """Latency by each clock by which exchanges were timed; `responses` counts exchanges that the shadow responded to.

    `stalled` are those of them that came while the machine stalled: what they took shows nothing.

    One clock leads: the hook if it timed at least half of them, then the baseline if it timed 2 %, then the worker.
    """

    responses: int = 0
    by_clock: Mapping[LatencyClock, LatencyEvidence] = field(default_factory=dict[LatencyClock, LatencyEvidence])
    stalled: int = 0

    def with_window(self, window: Sequence[JudgedExchange], policy: JudgePolicy) -> "ClockedLatencies":
        """Return the evidence with one more window."""
        by_clock = dict(self.by_clock)
        for clock in LatencyClock:
            if timed := [exchange for exchange in window if exchange.clock is clock]:
                by_clock[clock] = by_clock.get(clock, LatencyEvidence(clock=clock)).with_window(timed, policy)
        responses = [each for each in window if not (each.error or each.refused)]
        stalled = self.stalled + sum(not each.is_timed for each in responses)
        return ClockedLatencies(self.responses + len(responses), by_clock, stalled)

    @property
    def timeable(self) -> int:
        """The responses of which some clock could tell how long they took."""
        return self.responses - self.stalled

    @property
    def leading(self) -> LatencyEvidence | None:
        """The evidence by the clock that leads; None if too few exchanges were timed by any."""
        for clock, share in _LEADING_SHARES.items():
            evidence = self.by_clock.get(clock)
            if evidence is not None and evidence.n >= share * self.timeable:
                return evidence
        return None

    def log_e(self, guard: Guard) -> float:
        """Return log E for "the shadow is slower at this quantile"; 0 if nothing was timed."""
        leading = self.leading
        return 0.0 if leading is None else leading.log_e(guard)

    def pack(self) -> dict[str, Any]:
        """Return the evidence as JSON values."""
        return {
            "responses": self.responses,
            "stalled": self.stalled,
            "clocks": {clock.value: evidence.pack() for clock, evidence in self.by_clock.items()},
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "ClockedLatencies":
        """Read what `pack` returned."""
        clocks = {LatencyClock(name): evidence for name, evidence in packed["clocks"].items()}
        by_clock = {clock: LatencyEvidence.unpack(each, clock) for clock, each in clocks.items()}
        return cls(packed["responses"], by_clock, packed["stalled"])


_LEADING_SHARES: Final = {LatencyClock.HOOK: 0.5, LatencyClock.BASELINE: 0.02, LatencyClock.WORKER: 0.5}


def _count_discordant(exchanges: Sequence[JudgedExchange], reference_ms: float, limit_ms: float) -> OutcomeCounts:
    """Count the exchanges in which only the shadow exceeds its limit (`pos`), or only the reference its own (`neg`)."""
    slower = sum(each.shadow_ms > limit_ms and each.primary_ms <= reference_ms for each in exchanges)
    faster = sum(each.primary_ms > reference_ms and each.shadow_ms <= limit_ms for each in exchanges)
    return OutcomeCounts(slower, faster, len(exchanges))


def _refresh_limits(evidence: LatencyEvidence, policy: JudgePolicy) -> LatencyEvidence:
    """Take new limits from about the last 5,000 exchanges, once enough were seen since the last time."""
    if evidence.recent[-1].n < (REFRESH if evidence.limits else BURN_IN):
        return evidence
    recent = list(evidence.recent)
    while sum(chunk.n for chunk in recent[1:]) >= HISTORY:
        del recent[0]
    reference = histogram.merge_histograms(chunk.reference for chunk in recent)
    extra = histogram.merge_histograms(chunk.extra for chunk in recent)
    replays = sum(extra.values()) if evidence.clock is LatencyClock.HOOK else 0
    waits = replays > 0 and evidence.n < HISTORY
    limits = {
        guard: _take_limits(guard, reference, extra, evidence.clock, policy)
        for guard in QUANTILES
        if not (waits and replays < BASELINE_LEAST[guard])
    }
    return replace(
        evidence,
        limits=limits,
        version=evidence.version + 1,
        offset_ms=_measure_offset_ms(Guard.P50, extra, evidence.clock, policy),
        recent=(*recent, LatencyChunk()),
    )


def _take_limits(
    guard: Guard, reference: Histogram, extra: Histogram, clock: LatencyClock, policy: JudgePolicy
) -> LatencyLimits:
    q = QUANTILES[guard]
    reference_ms = histogram.quantile_bound(reference, q) or 0.0
    base_ms = reference_ms
    if clock is LatencyClock.HOOK and sum(extra.values()) >= BASELINE_LEAST[guard]:
        base_ms = max(base_ms, histogram.quantile_bound(extra, q) or 0.0)
    base_ms += _measure_offset_ms(guard, extra, clock, policy)
    absolute_ms = policy.tolerance_ms.of(guard)
    cleared_ms = base_ms + max(base_ms * (policy.latency_tolerance - 1), absolute_ms)
    if clock is not LatencyClock.WORKER:
        return LatencyLimits(reference_ms, cleared_ms, cleared_ms)
    return LatencyLimits(
        reference_ms, cleared_ms, base_ms + max(base_ms * OUTSIDE_RELATIVE, absolute_ms * OUTSIDE_ABSOLUTE)
    )


def _measure_offset_ms(guard: Guard, differences: Histogram, clock: LatencyClock, policy: JudgePolicy) -> float:
    """Return the constant part of a time taken from outside that is allowed for; 0 by the other clocks."""
    if clock is not LatencyClock.WORKER:
        return 0.0
    median_ms = histogram.quantile(differences, 0.5) or 0.0
    return min(max(0.0, median_ms), OUTSIDE_OFFSET * policy.tolerance_ms.of(guard))
