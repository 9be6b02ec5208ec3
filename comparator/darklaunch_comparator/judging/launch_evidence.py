"""Evidence about a launch: about each build of its shadow, and which of them is the current one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from .beyond_noise import PairedPlace
from .build_evidence import BuildEvidence
from .decision import JudgeDecision, LaunchVerdict, RampProgress, decide
from .outage import ShadowOutage
from .policy import JudgePolicy
from .window import WINDOW_MS, JudgedExchange, window_start_ms

RETURN_MS: Final = 60_000
RETURN_EXCHANGES: Final = 20
"""A build seen before becomes current again after this many exchanges in a row from it, over at least this time."""


@dataclass(frozen=True, slots=True)
class LaunchEvidence:
    """What is known of a launch, window after window.

    Evidence about one build says nothing about the next; it is kept, and counts again when the build returns. While
    instances are replaced one by one, responses of the older build count for the older build.

    current_build     the latest build that had not been seen before, or one that returned; "" before any was named
    builds            the evidence of each build that is loaded
    returning         exchanges in a row from builds seen before, other than the current one
    returning_since_ms  when that row began
    places_at_start   noise counts of the moment at which judging began; those of another build were forgotten
    outage            the attempts that failed since the shadow responded last, whatever its build
    left_out          groups of mismatches that were left out, because it was not known yet whether they are noise
    """

    current_build: str = ""
    builds: Mapping[str, BuildEvidence] = field(default_factory=dict[str, BuildEvidence])
    progress: RampProgress = field(default_factory=RampProgress)
    verdict: LaunchVerdict = LaunchVerdict.INSUFFICIENT_TRAFFIC
    returning: int = 0
    returning_since_ms: int = 0
    places_at_start: tuple[PairedPlace, ...] = ()
    outage: ShadowOutage = field(default_factory=ShadowOutage)
    left_out: frozenset[str] = frozenset()

    def current(self, policy: JudgePolicy) -> BuildEvidence:
        """Return the evidence about the current build."""
        return self.builds.get(self.current_build) or BuildEvidence.empty(policy)

    def decide(self, policy: JudgePolicy) -> JudgeDecision:
        """Decide about the current build."""
        return decide(self.current(policy), policy, self.progress, self.outage)

    def with_window(
        self, window: Sequence[JudgedExchange], policy: JudgePolicy, known_builds: frozenset[str]
    ) -> "LaunchEvidence":
        """Return the evidence with one more window added.

        Windows must be complete and in order of time; an empty window changes nothing. `known_builds` are all builds
        ever seen, loaded or not; those of which the window has exchanges must be loaded (`with_builds`).
        """
        if not window:
            return self
        evidence = self._with_current_build(window, policy, known_builds)
        by_build: defaultdict[str, list[JudgedExchange]] = defaultdict(list)
        for exchange in window:
            by_build[exchange.build or evidence.current_build].append(exchange)
        builds = dict(evidence.builds)
        for build, exchanges in by_build.items():
            builds[build] = builds.get(build, BuildEvidence.empty(policy)).with_window(exchanges, policy)
        left_out = {each.signature for each in window if each.signature and not each.mismatched}
        return replace(evidence, builds=builds, left_out=evidence.left_out | left_out)

    def find_build_after(
        self, window: Sequence[JudgedExchange], policy: JudgePolicy, known_builds: frozenset[str]
    ) -> str:
        """Return which build is the current one after a window."""
        return self._with_current_build(window, policy, known_builds).current_build

    def with_verdict(self, verdict: LaunchVerdict) -> "LaunchEvidence":
        """Return the evidence with its verdict. Once PROMOTE, only a reason for a rollback changes it."""
        ready = verdict is LaunchVerdict.PROMOTE or (self.progress.ready and verdict is LaunchVerdict.SHADOW_DOWN)
        return replace(self, verdict=verdict, progress=replace(self.progress, ready=ready))

    def with_places(self, places: tuple[PairedPlace, ...], policy: JudgePolicy) -> "LaunchEvidence":
        """Return the evidence with the places at which the current build, to be rolled back, differs beyond noise."""
        build = self.current(policy)
        assert build.rollback_reason is not None
        build = replace(build, rollback_reason=replace(build.rollback_reason, places=places))
        return self.with_builds({self.current_build: build})

    def with_builds(self, builds: Mapping[str, BuildEvidence]) -> "LaunchEvidence":
        """Return the evidence with builds that were not loaded."""
        return replace(self, builds={**self.builds, **builds})

    def with_rebuilt(self, rebuilt: "LaunchEvidence", policy: JudgePolicy) -> "LaunchEvidence":
        """Return the evidence with that of the same windows judged again, under what is known of mismatches now.

        The ramp, the outage and the verdict go on. What had been found ready for a promotion still is, unless there
        are more mismatches than were known then.
        """
        before, now = self.current(policy), rebuilt.builds.get(self.current_build, BuildEvidence.empty(policy))
        now = now.with_other_reason(before.rollback_reason)
        progress = replace(
            self.progress,
            n_before=min(self.progress.n_before, now.overall.n),
            ready=self.progress.ready and now.overall.mismatches.pos <= before.overall.mismatches.pos,
        )
        builds = {**rebuilt.builds, self.current_build: now}
        return replace(self, builds=builds, progress=progress, left_out=rebuilt.left_out)

    def at_step(self, step: int, now_ms: int, policy: JudgePolicy) -> "LaunchEvidence":
        """Return the evidence at the start of a ramp step: earlier exchanges do not count towards its minimum."""
        return replace(self, progress=RampProgress(step, now_ms, self.current(policy).overall.n))

    def pack(self) -> dict[str, Any]:
        """Return all but the builds as JSON values."""
        return {
            "build": self.current_build,
            "verdict": self.verdict.value,
            "progress": asdict(self.progress),
            "others": self.returning,
            "others_since_ms": self.returning_since_ms,
            "before": [asdict(place) for place in self.places_at_start],
            "outage": self.outage.pack(),
            "left_out": sorted(self.left_out),
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], builds: Mapping[str, BuildEvidence]) -> "LaunchEvidence":
        """Read what `pack` returned."""
        return cls(
            current_build=packed["build"],
            builds=builds,
            progress=RampProgress(**packed["progress"]),
            verdict=LaunchVerdict(packed["verdict"]),
            returning=packed["others"],
            returning_since_ms=packed["others_since_ms"],
            places_at_start=tuple(PairedPlace(**place) for place in packed.get("before", ())),
            outage=ShadowOutage.unpack(packed["outage"]) if "outage" in packed else ShadowOutage(),
            left_out=frozenset(packed.get("left_out", ())),
        )

    def _with_current_build(
        self, window: Sequence[JudgedExchange], policy: JudgePolicy, known_builds: frozenset[str]
    ) -> "LaunchEvidence":
        names = [exchange.build for exchange in window if exchange.build]
        start_ms = window_start_ms(window[0].at_ms)
        new_names = [build for build in names if build not in known_builds and build not in self.builds]
        if new_names:
            return self._switch_to(new_names[-1], start_ms, policy)
        if not names or self.current_build in names:
            return replace(self, returning=0)
        since_ms = self.returning_since_ms if self.returning else start_ms
        returning = self.returning + len(names)
        if returning >= RETURN_EXCHANGES and start_ms + WINDOW_MS - since_ms >= RETURN_MS:
            return self._switch_to(names[-1], start_ms, policy)
        return replace(self, returning=returning, returning_since_ms=since_ms)

    def _switch_to(self, build: str, now_ms: int, policy: JudgePolicy) -> "LaunchEvidence":
        switched = replace(self, current_build=build, returning=0)
        return switched.at_step(self.progress.step, now_ms, policy)
