"""What the comparator found out about one exchange: the row that is recorded of it, and the evidence beside it."""

from collections.abc import Set
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from darklaunch_shared.process.fast_dataclass import immutable
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.replay import ReplayedVersion

from darklaunch_comparator.masking import NO_PLACES, MaskPlaces

UNKNOWN: Final = "?"
OUTCOMES: Final = ("matched", "mismatched", "ignored", "unverified", "shadow_error", "dropped", "dead")
"""What an exchange may come to, in the order in which it is told."""
DAY_MS: Final = 86_400_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@immutable
class ResultProblem:
    """What one thing wrong with an exchange is grouped by and shown with.

    `problem` is `mismatched`, `shadow_error` or `slow`; `variant` tells makes of requests within a group apart;
    `fields` are the entry's, for a sample, and `places` what is masked in one beside credentials.
    """

    problem: str
    fingerprint: str
    title: str
    parts: str
    differences: str
    omitted: int
    variant: str
    fields: Fields
    places: MaskPlaces = NO_PLACES


@immutable
class NoiseObservation:
    """What asking one version twice showed; places are index-free paths, `status` or `header:<name>`.

    version      which version was asked twice
    answered     False when the second request got no answer; then nothing else is known
    varied       its two values differ, other than as identifiers of one shape
    regenerated  it gave two identifiers of one shape, and nothing else differs
    unstable     its two answers differ in presence, type, size or status
    agreed       it gave the same identifier twice
    candidate    the shadow differs from the primary, excused as noise or generated or not at all
    paired       False when shadow and primary answered with two statuses: of other places they tell nothing
    """

    version: ReplayedVersion
    answered: bool = True
    varied: frozenset[str] = frozenset()
    regenerated: frozenset[str] = frozenset()
    unstable: frozenset[str] = frozenset()
    agreed: frozenset[str] = frozenset()
    candidate: frozenset[str] = frozenset()
    paired: bool = True

    @property
    def differing(self) -> frozenset[str]:
        """Where the version differs from itself."""
        return self.varied | self.regenerated | self.unstable

    def without(self, places: Set[str]) -> "NoiseObservation":
        """Give the same without what it says of these places."""
        return replace(
            self,
            varied=self.varied - places,
            regenerated=self.regenerated - places,
            unstable=self.unstable - places,
            agreed=self.agreed - places,
            candidate=self.candidate - places,
        )

    @property
    def places(self) -> frozenset[str]:
        """Every place it says something of."""
        return self.differing | self.agreed | self.candidate


@immutable
class ExchangeResult:
    """What is recorded of one exchange. Text in it is safe to store. `build` is the shadow's, "" when unknown."""

    exchange_id: str
    captured_at_ms: int
    endpoint: str
    method: str
    outcome: str
    reason: str | None = None
    primary_status: int | None = None
    shadow_status: int | None = None
    primary_ms: float | None = None
    shadow_ms: float | None = None
    latency_source: str | None = None
    slow: bool = False
    build: str = ""
    observation: NoiseObservation | None = None
    evidence: tuple[ResultProblem, ...] = ()
    excuses: tuple[tuple[str, str, int], ...] = ()

    @property
    def captured_at(self) -> datetime:
        """The capture time, UTC."""
        return _EPOCH + timedelta(milliseconds=self.captured_at_ms)

    @property
    def rank(self) -> int:
        """How final it is: a row of rank 0 or 1 gives way to a finding of a higher rank."""
        if self.outcome == "dropped" and self.reason == "lost_in_redis":
            return 0
        return 1 if self.outcome == "dead" else 2


def create_lost_result(exchange_id: str, at_ms: int) -> ExchangeResult:
    """Describe an exchange that is in no stream and has no row. `at_ms` is when it was known to be on its way."""
    return ExchangeResult(exchange_id, at_ms, UNKNOWN, UNKNOWN, "dropped", "lost_in_redis")
