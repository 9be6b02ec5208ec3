"""The result of one exchange: the row that is recorded of it, its problems, and what a second replay showed."""

from collections.abc import Set
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from darklaunch_shared.process.fast_dataclass import immutable
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.replay import ReplayedVersion

from darklaunch_comparator.compare import NoiseKey
from darklaunch_comparator.masking import NO_PLACES, MaskPlaces

UNKNOWN: Final = "?"
OUTCOMES: Final = ("matched", "mismatched", "ignored", "unverified", "shadow_error", "dropped", "dead")
"""The outcomes of an exchange, in the order in which reports list them."""
NO_CREDENTIALS: Final = "credentials"
"""The reason of an exchange that shows nothing, because its request came without its credentials."""
DAY_MS: Final = 86_400_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@immutable
class ResultProblem:
    """One thing wrong with an exchange: what it is grouped by, and what a sample shows of it.

    problem      `mismatched`, `shadow_error` or `slow`
    fingerprint  that of the signature
    parts        JSON: its (index-free path, kind) pairs
    differences  JSON: what is shown; `omitted` more were not kept
    shape        that of the request, see `request_shape`
    fields       those of the stream entry, for a sample
    places       what is masked in a sample besides credentials
    """

    problem: str
    fingerprint: str
    title: str
    parts: str
    differences: str
    omitted: int
    shape: str
    fields: Fields
    places: MaskPlaces = NO_PLACES


@immutable
class NoiseObservation:
    """What asking one version twice showed, by place and respect.

    Three responses are compared with one another: the primary's, the shadow's and the second one, `again`. Where two of
    them agree, the third is the odd one.

    version      which version was asked twice
    answered     False when the second request got no response; then nothing else is known
    primary_odd  shadow and second response agree, the primary's is another
    shadow_odd   primary and second response agree, the shadow's is another
    again_odd    primary and shadow agree, the second response is another
    all_differ   no two of them agree
    regenerated  the version gave two identifiers of one shape, and nothing else differs
    agreed       it gave the same identifier twice; the shadow's only where it is the primary's as well
    rising       of those where the shadow differs from the primary, those where the shadow's value is the greater
    falling      and those where the primary's is
    far          of those again, numbers that differ by more than a factor of ten
    """

    version: ReplayedVersion
    answered: bool = True
    primary_odd: frozenset[NoiseKey] = frozenset()
    shadow_odd: frozenset[NoiseKey] = frozenset()
    again_odd: frozenset[NoiseKey] = frozenset()
    all_differ: frozenset[NoiseKey] = frozenset()
    regenerated: frozenset[NoiseKey] = frozenset()
    agreed: frozenset[NoiseKey] = frozenset()
    rising: frozenset[NoiseKey] = frozenset()
    falling: frozenset[NoiseKey] = frozenset()
    far: frozenset[NoiseKey] = frozenset()

    def without(self, places: Set[NoiseKey]) -> "NoiseObservation":
        """Return a copy that leaves out these places."""
        return replace(self, **{name: getattr(self, name) - places for name in _OBSERVED})

    @property
    def places(self) -> frozenset[NoiseKey]:
        """All places it mentions."""
        return frozenset[NoiseKey]().union(*(getattr(self, name) for name in _OBSERVED))


_OBSERVED: Final = (
    "primary_odd", "shadow_odd", "again_odd", "all_differ", "regenerated", "agreed", "rising", "falling", "far",
)  # fmt: skip


@immutable
class ExchangeResult:
    """What is recorded of one exchange. Its text is safe to store.

    build           that of the shadow, "" when unknown
    clock           by whose clock its latency is compared, see `LatencyClock`; None if it cannot be
    baseline_ms     the baseline's time by the same clock as `shadow_ms`; None without one
    floor_ms        what the network takes at least of `shadow_ms`; None if nothing is to be subtracted
    compared_share  the part of what the response holds that was compared by value; None for all of it
    """

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
    problems: tuple[ResultProblem, ...] = ()
    excuses: tuple[tuple[str, str, int], ...] = ()
    clock: str | None = None
    baseline_ms: float | None = None
    floor_ms: float | None = None
    compared_share: float | None = None

    @property
    def captured_at(self) -> datetime:
        """The capture time, UTC."""
        return _EPOCH + timedelta(milliseconds=self.captured_at_ms)

    @property
    def rank(self) -> int:
        """How final it is: a row of rank 0 or 1 is replaced by a result of a higher rank."""
        if self.outcome == "dropped" and self.reason == "lost_in_redis":
            return 0
        return 1 if self.outcome == "dead" else 2


def create_lost_result(exchange_id: str, at_ms: int) -> ExchangeResult:
    """Return the result of an exchange without a stream entry and without a row.

    `at_ms` is when it was still in progress.
    """
    return ExchangeResult(exchange_id, at_ms, UNKNOWN, UNKNOWN, "dropped", "lost_in_redis")
