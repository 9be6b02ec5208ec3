"""What is known of a launch: the evidence about each build of its shadow, and which of them is meant."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from .beyond_noise import PairedPlace
from .build_evidence import BuildTrial
from .decision import JudgeDecision, LaunchVerdict, RampProgress, decide
from .policy import JudgePolicy
from .window import WINDOW_MS, JudgedExchange, window_of

BACK_MS: Final = 60_000
BACK_EXCHANGES: Final = 20
"""A build seen before is meant again when so many exchanges in a row were its, for so long."""


@dataclass(frozen=True, slots=True)
class LaunchEvidence:
    """The evidence about a launch, window after window.

    Each build has a trial of its own: evidence about one says nothing about the next, and what was shown of one stays
    shown when it comes back. `build` is the one meant: the latest that had not been seen before. While instances are
    replaced one by one, the older one's answers count for the older one. `others` and `others_since_ms` count what came
    from builds seen before since the one meant was seen last. `before` is what had been counted of noise when the build
    meant came to be it.
    """

    build: str = ""
    trials: Mapping[str, BuildTrial] = field(default_factory=dict[str, BuildTrial])
    progress: RampProgress = field(default_factory=RampProgress)
    verdict: LaunchVerdict = LaunchVerdict.INSUFFICIENT_TRAFFIC
    others: int = 0
    others_since_ms: int = 0
    before: tuple[PairedPlace, ...] = ()

    def trial(self, policy: JudgePolicy) -> BuildTrial:
        """Give the trial of the build that is meant."""
        return self.trials.get(self.build) or BuildTrial.of(policy)

    def decide(self, policy: JudgePolicy) -> JudgeDecision:
        """Decide about the build that is meant."""
        return decide(self.trial(policy), policy, self.progress)

    def after(self, seen: Sequence[JudgedExchange], policy: JudgePolicy, known: frozenset[str]) -> "LaunchEvidence":
        """Take in one window, whole and in order of time, later than all before.

        `known` are all builds ever seen, also those whose trials are not at hand because nothing of them came.
        """
        if not seen:
            return self
        apart: defaultdict[str, list[JudgedExchange]] = defaultdict(list)
        case = self._meaning(seen, policy, known)
        for each in seen:
            apart[each.build or case.build].append(each)
        trials = dict(case.trials)
        for build, own in apart.items():
            trials[build] = trials.get(build, BuildTrial.of(policy)).after(own, policy)
        return replace(case, trials=trials)

    def decided(self, verdict: LaunchVerdict) -> "LaunchEvidence":
        """Remember a verdict. That a promotion is right once shown is not taken back by less than a condemnation."""
        return replace(self, verdict=verdict, progress=replace(self.progress, ready=verdict is LaunchVerdict.PROMOTE))

    def naming(self, places: tuple[PairedPlace, ...], policy: JudgePolicy) -> "LaunchEvidence":
        """Add where the build that is meant, and is condemned, differs more than by noise."""
        trial = self.trial(policy)
        assert trial.condemned is not None
        trial = replace(trial, condemned=replace(trial.condemned, places=places))
        return self.with_trials({self.build: trial})

    def with_trials(self, trials: Mapping[str, BuildTrial]) -> "LaunchEvidence":
        """Add trials that were not at hand."""
        return replace(self, trials={**self.trials, **trials})

    def at_step(self, step: int, now_ms: int, policy: JudgePolicy) -> "LaunchEvidence":
        """Begin a step of the ramp: what was judged before does not count towards its minimum."""
        return replace(self, progress=RampProgress(step, now_ms, self.trial(policy).all.n))

    def _meaning(self, seen: Sequence[JudgedExchange], policy: JudgePolicy, known: frozenset[str]) -> "LaunchEvidence":
        """Say which build is meant from this window on."""
        named = [each.build for each in seen if each.build]
        start_ms = window_of(seen[0].at_ms)
        fresh = [build for build in named if build not in known and build not in self.trials]
        if fresh:
            return self._turn_to(fresh[-1], start_ms, policy)
        if not named or self.build in named:
            return replace(self, others=0)
        since_ms = self.others_since_ms if self.others else start_ms
        others = self.others + len(named)
        if others >= BACK_EXCHANGES and start_ms + WINDOW_MS - since_ms >= BACK_MS:
            return self._turn_to(named[-1], start_ms, policy)
        return replace(self, others=others, others_since_ms=since_ms)

    def _turn_to(self, build: str, now_ms: int, policy: JudgePolicy) -> "LaunchEvidence":
        case = replace(self, build=build, others=0)
        return case.at_step(self.progress.step, now_ms, policy)

    def pack(self) -> dict[str, Any]:
        """Give all but the trials as JSON values."""
        step = self.progress
        return {
            "build": self.build,
            "verdict": self.verdict.value,
            "progress": {"step": step.step, "since_ms": step.since_ms, "n_before": step.n_before, "ready": step.ready},
            "others": self.others,
            "others_since_ms": self.others_since_ms,
            "before": [asdict(each) for each in self.before],
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], trials: Mapping[str, BuildTrial]) -> "LaunchEvidence":
        """Read what `pack` gave."""
        return cls(
            packed["build"],
            trials,
            RampProgress(**packed["progress"]),
            LaunchVerdict(packed["verdict"]),
            packed["others"],
            packed["others_since_ms"],
            tuple(PairedPlace(**each) for each in packed.get("before", ())),
        )
