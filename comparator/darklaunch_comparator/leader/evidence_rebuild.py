"""Evidence taken again from stored results.

A person accepts mismatches, a witness refutes an excuse, a place proves not to be noise: what was judged before rests
on what was believed then. So the windows that were judged are judged again, by the same code, from the same rows. It
costs no exchange, and what it is not about comes out as it was.
"""

import time
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg import Connection

from darklaunch_comparator.judging.launch_evidence import LaunchEvidence
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_comparator.store.amendments import Amendments
from darklaunch_comparator.store.judge_state import JudgeState, replace_builds
from darklaunch_comparator.store.noise import DoubtfulMismatches

from .judge_windows import SPAN_MS, read_windows

PAUSE_S: Final = 60.0
"""Time at least until evidence is taken again because it was decided of mismatches whether they are noise."""
PAUSE_FACTOR: Final = 20
"""Or so many times as long as it took, so that it never takes more than a part of the judge's time."""


@dataclass(slots=True)
class EvidenceRebuild:
    """The evidence of a round so far, taken again up to `until_ms`. A large round takes several turns."""

    round_number: int
    amendments: Amendments
    until_ms: int
    evidence: LaunchEvidence = field(default_factory=LaunchEvidence)
    took_s: float = 0.0

    def read_on(
        self,
        connection: Connection[Any],
        state: JudgeState,
        policy: JudgePolicy,
        doubtful: DoubtfulMismatches,
        until_s: float,
    ) -> bool:
        """Judge windows again until all are, or until time.monotonic() is `until_s`. Return whether all are.

        Mismatches that may still be noise are left out: nothing waits for them a second time.
        """
        began_s = time.monotonic()
        while self.until_ms < state.judged_until_ms:
            span_end_ms = min(state.judged_until_ms, self.until_ms + SPAN_MS)
            windows, self.until_ms = read_windows(
                connection, state.launch, self.until_ms, span_end_ms, doubtful=doubtful, amendments=self.amendments
            )
            for window in windows:
                known_builds = frozenset(self.evidence.builds)
                self.evidence = self.evidence.with_window(window.without_doubtful().exchanges, policy, known_builds)
            if time.monotonic() >= until_s:
                break
        self.took_s += time.monotonic() - began_s
        return self.until_ms >= state.judged_until_ms


class EvidenceRebuilds:
    """Keeps each launch's evidence in step with what is known of its stored mismatches."""

    def __init__(self) -> None:
        self._unfinished: dict[str, EvidenceRebuild] = {}
        self._due_s: dict[str, float] = {}

    def bring_up_to_date(
        self,
        connection: Connection[Any],
        state: JudgeState,
        policy: JudgePolicy,
        *,
        amendments: Amendments,
        doubtful: DoubtfulMismatches,
        until_s: float,
    ) -> bool:
        """Take the evidence again if something became known of mismatches. Return False while that is unfinished."""
        rebuild = self._unfinished.get(state.launch)
        if rebuild is None and not self._is_due(state, amendments, doubtful):
            return True
        if rebuild is None or (rebuild.round_number, rebuild.amendments) != (state.round_number, amendments):
            rebuild = EvidenceRebuild(state.round_number, amendments, state.since_ms)
            self._unfinished[state.launch] = rebuild
        if not rebuild.read_on(connection, state, policy, doubtful, until_s):
            return False
        replace_builds(connection, state, state.evidence.with_rebuilt(rebuild.evidence, policy))
        state.amendments = amendments.fingerprint
        del self._unfinished[state.launch]
        self._due_s[state.launch] = time.monotonic() + max(PAUSE_S, PAUSE_FACTOR * rebuild.took_s)
        return True

    def _is_due(self, state: JudgeState, amendments: Amendments, doubtful: DoubtfulMismatches) -> bool:
        if state.amendments != amendments.fingerprint:
            return True
        is_decided = bool(state.evidence.left_out - doubtful.fingerprints)
        return is_decided and time.monotonic() >= self._due_s.get(state.launch, 0.0)
