"""The evidence about one build of a shadow, and the moment at which it was condemned."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from darklaunch_comparator.evidence import blame, discovery_weight, log_threshold, weighted_average

from .beyond_noise import PairedPlace
from .endpoint_evidence import ALL, EndpointEvidence
from .policy import RATES, Guard, JudgePolicy
from .window import WINDOW_MS, JudgedExchange, window_of

LEAST: Final = 20
"""Exchanges before which nothing is condemned."""
ALL_WEIGHT: Final = 0.5
"""Of each guard's weight, the part that bets on all endpoints together; the rest is theirs."""


@dataclass(frozen=True, slots=True)
class GuardAccusation:
    """One guard's evidence against one endpoint, or against all together (""): `failed` of `n`.

    For latencies those are the exchanges in which only the shadow was over the threshold, less those in which only the
    primary was.
    """

    guard: Guard
    endpoint: str
    log_e: float
    failed: int
    n: int

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "GuardAccusation":
        """Read one as JSON values."""
        return cls(Guard(packed["guard"]), packed["endpoint"], packed["log_e"], packed["failed"], packed["n"])


@dataclass(frozen=True, slots=True)
class Condemnation:
    """Why a build is rolled back, as it was known when the evidence sufficed.

    `leading` is the strongest. `guilty` are the endpoints that can be named with no more than alpha of them wrong, as
    of the first window from then on in which there were any: evidence that suffices to stop may not yet suffice to say
    who it was. `places` are those of the answers that differ more than their own noise, named in the same way.
    """

    at_ms: int
    n: int
    log_e: float
    leading: GuardAccusation
    guilty: tuple[GuardAccusation, ...]
    places: tuple[PairedPlace, ...] = ()

    def pack(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return asdict(self)

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "Condemnation":
        """Read what `pack` gave."""
        guilty = tuple(GuardAccusation.unpack(each) for each in packed["guilty"])
        places = tuple(PairedPlace(**each) for each in packed.get("places", ()))
        return cls(
            packed["at_ms"], packed["n"], packed["log_e"], GuardAccusation.unpack(packed["leading"]), guilty, places
        )


@dataclass(frozen=True, slots=True)
class BuildTrial:
    """What is known of one build.

    `scopes` are by endpoint, with all together under "". `first_ms` and `until_ms` are where the windows that were seen
    begin and end, 0 when none was. `peak_log_e` is the strongest the evidence ever was: it does not wear off.
    """

    scopes: Mapping[str, EndpointEvidence]
    first_ms: int = 0
    until_ms: int = 0
    peak_log_e: float = 0.0
    condemned: Condemnation | None = None

    @classmethod
    def of(cls, policy: JudgePolicy) -> "BuildTrial":
        """Start with nothing seen."""
        return cls({ALL: EndpointEvidence.of(1.0, policy, strict=policy.strict)})

    @property
    def all(self) -> EndpointEvidence:
        """All endpoints together."""
        return self.scopes[ALL]

    @property
    def endpoints(self) -> Iterator[tuple[str, EndpointEvidence]]:
        """Each endpoint, in the order in which they were found."""
        return ((name, scope) for name, scope in self.scopes.items() if name != ALL)

    def after(self, seen: Sequence[JudgedExchange], policy: JudgePolicy) -> "BuildTrial":
        """Take in one window, whole and in order of time, later than all before. An empty one is none."""
        if not seen:
            return self
        apart: defaultdict[str, list[JudgedExchange]] = defaultdict(list)
        for each in seen:
            apart[each.endpoint].append(each)
        scopes = {**self.scopes, ALL: self.all.after(seen, policy)}
        found = sorted(apart.keys() - scopes.keys())
        for number, name in enumerate(found, len(self.scopes)):
            weight = 1 / (len(found) + 1) if len(self.scopes) == 1 else discovery_weight(number)
            scopes[name] = EndpointEvidence.of(weight, policy)
        for name, own in apart.items():
            scopes[name] = scopes[name].after(own, policy)
        start_ms = window_of(seen[0].at_ms)
        trial = replace(self, scopes=scopes, first_ms=self.first_ms or start_ms, until_ms=start_ms + WINDOW_MS)
        trial = replace(trial, peak_log_e=max(self.peak_log_e, trial.log_e(policy)))
        if trial.condemned is None and trial.all.n >= LEAST and trial.peak_log_e >= log_threshold(policy.alpha):
            reason = Condemnation(trial.until_ms, trial.all.n, trial.peak_log_e, trial.leading(policy), ())
            trial = replace(trial, condemned=reason)
        if trial.condemned is not None and not trial.condemned.guilty:
            trial = replace(trial, condemned=replace(trial.condemned, guilty=_guilty(trial, policy)))
        return trial

    def log_e(self, policy: JudgePolicy) -> float:
        """Give the log evidence for a rollback: the average over the guards, of all together and of the endpoints."""
        return weighted_average(
            (policy.weights.of(guard) * self._share(name), scope.log_e[guard])
            for name, scope in self.scopes.items()
            for guard in Guard
        )

    def guilt(self, guard: Guard, name: str) -> GuardAccusation:
        """Give the evidence of one guard about one scope."""
        scope = self.scopes[name]
        if guard in RATES:
            counts = scope.rates[guard].counts
            return GuardAccusation(guard, name, scope.log_e[guard], counts.pos, counts.n)
        pairs = scope.latencies.pairs[guard]
        return GuardAccusation(guard, name, scope.log_e[guard], pairs.pos - pairs.neg, pairs.n)

    def leading(self, policy: JudgePolicy) -> GuardAccusation:
        """Give the evidence that counts most: against an endpoint where its own suffices, unless all are as bad."""
        weighed = [(guard, name) for guard in Guard if policy.weights.of(guard) for name in self.scopes]
        guard, _ = max(weighed, key=lambda it: self.scopes[it[1]].log_e[it[0]] + math.log(policy.weights.of(it[0])))
        own = {name: scope.log_e[guard] for name, scope in self.endpoints}
        bad = [name for name in own if own[name] >= log_threshold(policy.alpha)]
        spread = len(bad) == len(own) > 1
        return self.guilt(guard, max(bad, key=lambda name: own[name]) if bad and not spread else ALL)

    def _share(self, name: str) -> float:
        return ALL_WEIGHT if name == ALL else (1 - ALL_WEIGHT) * self.scopes[name].weight

    def pack(self) -> dict[str, Any]:
        """Give all but the scopes as JSON values."""
        return {
            "first_ms": self.first_ms,
            "until_ms": self.until_ms,
            "peak_log_e": self.peak_log_e,
            "condemned": None if self.condemned is None else self.condemned.pack(),
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], scopes: Mapping[str, EndpointEvidence]) -> "BuildTrial":
        """Read what `pack` gave. `scopes` are in the order in which they were found."""
        condemned = packed["condemned"]
        return cls(
            scopes,
            packed["first_ms"],
            packed["until_ms"],
            packed["peak_log_e"],
            None if condemned is None else Condemnation.unpack(condemned),
        )


def _guilty(trial: BuildTrial, policy: JudgePolicy) -> tuple[GuardAccusation, ...]:
    """Name endpoints, each with what is strongest against it, so that about alpha of them are wrong at most."""
    weights = {guard: policy.weights.of(guard) for guard in Guard if policy.weights.of(guard)}
    own = {
        name: weighted_average((w, scope.log_e[guard]) for guard, w in weights.items())
        for name, scope in trial.endpoints
    }
    return tuple(
        trial.guilt(max(weights, key=lambda guard: trial.scopes[name].log_e[guard]), name)
        for name in blame(own, policy.alpha)
    )
