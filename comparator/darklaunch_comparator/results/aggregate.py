"""What a batch of findings adds to the rolling statistics. Pure: the same findings in any order give the same sums."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from darklaunch_shared.wire.replay import ReplayedVersion

from . import histogram
from .result import ExchangeResult, NoiseObservation, ResultProblem

BUCKET_MS: Final = 10_000
_LABEL_CHARS: Final = 40


@dataclass(frozen=True, slots=True)
class ReplacedRow:
    """A row that a more final one replaces. It was dead or lost, so it has neither latencies nor a signature."""

    exchange_id: str
    captured_at_ms: int
    endpoint: str
    outcome: str
    reason: str | None


@dataclass(slots=True)
class BucketGains:
    """What one endpoint's block of 10 s gains: exchanges by outcome, slow ones, and three histograms in ms.

    The histograms hold the pairs that both sides answered, so that all three speak of the same exchanges.
    """

    outcomes: dict[str, int] = field(default_factory=dict[str, int])
    slow: int = 0
    primary: histogram.Histogram = field(default_factory=dict[int, int])
    shadow: histogram.Histogram = field(default_factory=dict[int, int])
    difference: histogram.Histogram = field(default_factory=dict[int, int])


@dataclass(frozen=True, slots=True)
class SignatureExample:
    """An exchange and one thing that is wrong with it."""

    finding: ExchangeResult
    evidence: ResultProblem


@dataclass(slots=True)
class ShapeGains:
    """How often a group's requests were of one make, and the latest of them."""

    latest: SignatureExample
    count: int = 0


@dataclass(slots=True)
class SignatureGains:
    """What one signature gains, and the exchanges it is shown with.

    `builds` are the shadow's builds it was seen under, each with the latest exchange; "" for an unknown one.
    """

    first: SignatureExample
    latest: SignatureExample
    count: int = 0
    builds: dict[str, SignatureExample] = field(default_factory=dict[str, SignatureExample])
    variants: dict[str, ShapeGains] = field(default_factory=dict[str, ShapeGains])


@dataclass(slots=True)
class NoisePlaceGains:
    """What one place gains from exchanges in which one version was asked twice; see `finding.Observation`.

    `pos` and `neg` count the pairs: the shadow differs from the primary and the version not from itself, or vice versa.
    """

    varied: int = 0
    regenerated: int = 0
    unstable: int = 0
    agreed: int = 0
    candidate: int = 0
    pos: int = 0
    neg: int = 0


@dataclass(slots=True)
class NoiseEndpointGains:
    """What one endpoint gains from second requests to one version: those compared, and those without an answer."""

    pairs: int = 0
    unanswered: int = 0
    places: defaultdict[str, NoisePlaceGains] = field(default_factory=lambda: defaultdict(NoisePlaceGains))


@dataclass(slots=True)
class BatchGains:
    """What the statistics gain.

    By (endpoint, block start in ms), (outcome, label), producer, fingerprint, (endpoint, path, reason), and (endpoint,
    version that was asked twice).
    """

    blocks: defaultdict[tuple[str, int], BucketGains] = field(default_factory=lambda: defaultdict(BucketGains))
    tally: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    producers: dict[str, int] = field(default_factory=dict[str, int])
    groups: dict[str, SignatureGains] = field(default_factory=dict[str, SignatureGains])
    excuses: dict[tuple[str, str, str], int] = field(default_factory=dict[tuple[str, str, str], int])
    noise: defaultdict[tuple[str, ReplayedVersion], NoiseEndpointGains] = field(
        default_factory=lambda: defaultdict(NoiseEndpointGains)
    )


def aggregate_results(inserted: Iterable[ExchangeResult], retracted: Iterable[ReplacedRow] = ()) -> BatchGains:
    """Sum up what was inserted, less what was retracted."""
    gains = BatchGains()
    for finding in inserted:
        _fold_latency(_count(gains, finding, 1), finding)
        for evidence in finding.evidence:
            _group(gains.groups, SignatureExample(finding, evidence))
        for path, reason, times in finding.excuses:
            place = (finding.endpoint, path, reason)
            gains.excuses[place] = gains.excuses.get(place, 0) + times
        if finding.observation is not None:
            _observe(gains.noise[finding.endpoint, finding.observation.version], finding.observation)
    for row in retracted:
        _count(gains, row, -1)
    return gains


def bucket_start_ms(at_ms: int) -> int:
    """Give the start of the block that holds a capture time, in milliseconds since the epoch."""
    return at_ms // BUCKET_MS * BUCKET_MS


def shorten_reason(outcome: str, reason: str | None) -> str:
    """Shorten a reason to what is counted by: a bounded vocabulary, whatever the details say."""
    if reason is None:
        return ""
    if outcome != "unverified":
        return reason[:_LABEL_CHARS]
    known = ("comparison_off", "comparator error")
    return next((name for name in known if reason.startswith(name)), "not_comparable")


def _count(gains: BatchGains, row: ExchangeResult | ReplacedRow, sign: int) -> BucketGains:
    block = gains.blocks[row.endpoint, bucket_start_ms(row.captured_at_ms)]
    counted = (row.outcome, shorten_reason(row.outcome, row.reason))
    producer = row.exchange_id.partition(":")[0]
    block.outcomes[row.outcome] = block.outcomes.get(row.outcome, 0) + sign
    gains.tally[counted] = gains.tally.get(counted, 0) + sign
    gains.producers[producer] = gains.producers.get(producer, 0) + sign
    return block


def _fold_latency(block: BucketGains, finding: ExchangeResult) -> None:
    block.slow += finding.slow
    if finding.primary_ms is None or finding.shadow_ms is None or finding.shadow_status is None:
        return
    histogram.count_value(block.primary, finding.primary_ms)
    histogram.count_value(block.shadow, finding.shadow_ms)
    histogram.count_value(block.difference, finding.shadow_ms - finding.primary_ms)


def _observe(noise: NoiseEndpointGains, seen: NoiseObservation) -> None:
    if not seen.answered:
        noise.unanswered += 1
        return
    noise.pairs += 1
    for path in seen.places:
        place = noise.places[path]
        place.varied += path in seen.varied
        place.regenerated += path in seen.regenerated
        place.unstable += path in seen.unstable
        place.agreed += path in seen.agreed
        place.candidate += path in seen.candidate
        place.pos += path in seen.candidate and path not in seen.differing
        place.neg += path in seen.differing and path not in seen.candidate and (seen.paired or path == "status")


def _group(groups: dict[str, SignatureGains], example: SignatureExample) -> None:
    group = groups.setdefault(example.evidence.fingerprint, SignatureGains(example, example))
    group.count += 1
    group.first = min(group.first, example, key=_captured)
    group.latest = max(group.latest, example, key=_captured)
    build = example.finding.build
    group.builds[build] = max(group.builds.get(build, example), example, key=_captured)
    variant = group.variants.setdefault(example.evidence.variant, ShapeGains(example))
    variant.count += 1
    variant.latest = max(variant.latest, example, key=_captured)


def _captured(example: SignatureExample) -> tuple[int, str]:
    return example.finding.captured_at_ms, example.finding.exchange_id
