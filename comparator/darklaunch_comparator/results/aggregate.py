"""What a batch of results adds to the rolling statistics. Pure: any order of the same results gives the same sums."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from darklaunch_shared.wire.replay import ReplayedVersion

from darklaunch_comparator.compare import NoiseKey

from . import histogram
from .result import ExchangeResult, NoiseObservation, ResultProblem

BUCKET_MS: Final = 10_000
_REASON_CHARS: Final = 40


@dataclass(frozen=True, slots=True)
class ReplacedRow:
    """A row that a more final one replaces. It was dead or lost: it has neither latencies nor a signature."""

    exchange_id: str
    captured_at_ms: int
    endpoint: str
    outcome: str
    reason: str | None


@dataclass(slots=True)
class BucketGains:
    """Gains of one endpoint's bucket of 10 s: exchanges by outcome, slow exchanges, and three histograms in ms.

    All three histograms cover the same exchanges: those to which both sides responded.
    """

    outcomes: dict[str, int] = field(default_factory=dict[str, int])
    slow: int = 0
    primary: histogram.Histogram = field(default_factory=dict[int, int])
    shadow: histogram.Histogram = field(default_factory=dict[int, int])
    difference: histogram.Histogram = field(default_factory=dict[int, int])


@dataclass(frozen=True, slots=True)
class SignatureExample:
    """An exchange, and one of its problems."""

    result: ExchangeResult
    problem: ResultProblem


@dataclass(slots=True)
class ShapeGains:
    """How often a signature's requests had one shape, and the latest such exchange."""

    latest: SignatureExample
    count: int = 0


@dataclass(slots=True)
class SignatureGains:
    """Gains of one signature, and its exchanges that become samples.

    `builds` maps each build of the shadow it was seen under ("" for an unnamed one) to the latest exchange; `shapes`
    is by `request_shape.fingerprint_request`.
    """

    first: SignatureExample
    latest: SignatureExample
    count: int = 0
    builds: dict[str, SignatureExample] = field(default_factory=dict[str, SignatureExample])
    shapes: dict[str, ShapeGains] = field(default_factory=dict[str, ShapeGains])


@dataclass(slots=True)
class NoisePlaceGains:
    """Gains of one place from exchanges in which one version was asked twice; see `NoiseObservation`.

    `rising` and `falling` count where one of primary and shadow is the odd one, `far_rising` and `far_falling` wherever
    the two differ by more than a factor of ten.
    """

    primary_odd: int = 0
    shadow_odd: int = 0
    again_odd: int = 0
    all_differ: int = 0
    regenerated: int = 0
    agreed: int = 0
    rising: int = 0
    falling: int = 0
    far_rising: int = 0
    far_falling: int = 0


@dataclass(slots=True)
class NoiseEndpointGains:
    """Gains of one endpoint from second replays of one version: pairs compared, and requests without a response."""

    pairs: int = 0
    unanswered: int = 0
    places: defaultdict[NoiseKey, NoisePlaceGains] = field(default_factory=lambda: defaultdict(NoisePlaceGains))


@dataclass(slots=True)
class BatchGains:
    """Everything that a batch adds to the statistics.

    buckets     by (endpoint, start of the bucket in ms)
    tally       by (outcome, shortened reason)
    producers   by producer
    signatures  by fingerprint
    excuses     by (endpoint, path, reason)
    noise       by (endpoint, version that was asked twice)
    """

    buckets: defaultdict[tuple[str, int], BucketGains] = field(default_factory=lambda: defaultdict(BucketGains))
    tally: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    producers: dict[str, int] = field(default_factory=dict[str, int])
    signatures: dict[str, SignatureGains] = field(default_factory=dict[str, SignatureGains])
    excuses: dict[tuple[str, str, str], int] = field(default_factory=dict[tuple[str, str, str], int])
    noise: defaultdict[tuple[str, ReplayedVersion], NoiseEndpointGains] = field(
        default_factory=lambda: defaultdict(NoiseEndpointGains)
    )


def aggregate_results(inserted: Iterable[ExchangeResult], replaced: Iterable[ReplacedRow] = ()) -> BatchGains:
    """Sum up the results that were inserted, less the rows that they replaced."""
    gains = BatchGains()
    for result in inserted:
        _add_latencies(_count_row(gains, result, 1), result)
        for problem in result.problems:
            _add_example(gains.signatures, SignatureExample(result, problem))
        for path, reason, count in result.excuses:
            place = (result.endpoint, path, reason)
            gains.excuses[place] = gains.excuses.get(place, 0) + count
        if result.observation is not None:
            _add_observation(gains.noise[result.endpoint, result.observation.version], result.observation)
    for row in replaced:
        _count_row(gains, row, -1)
    return gains


def bucket_start_ms(at_ms: int) -> int:
    """Return when the bucket of a capture time starts, in milliseconds since the epoch."""
    return at_ms // BUCKET_MS * BUCKET_MS


def shorten_reason(outcome: str, reason: str | None) -> str:
    """Shorten a reason to the word it is tallied by: their number stays small, whatever the details say."""
    if reason is None:
        return ""
    if outcome != "unverified":
        return reason[:_REASON_CHARS]
    known = ("comparison_off", "comparator error", "credentials")
    return next((name for name in known if reason.startswith(name)), "not_comparable")


def _count_row(gains: BatchGains, row: ExchangeResult | ReplacedRow, sign: int) -> BucketGains:
    bucket = gains.buckets[row.endpoint, bucket_start_ms(row.captured_at_ms)]
    tallied = (row.outcome, shorten_reason(row.outcome, row.reason))
    producer = row.exchange_id.partition(":")[0]
    bucket.outcomes[row.outcome] = bucket.outcomes.get(row.outcome, 0) + sign
    gains.tally[tallied] = gains.tally.get(tallied, 0) + sign
    gains.producers[producer] = gains.producers.get(producer, 0) + sign
    return bucket


def _add_latencies(bucket: BucketGains, result: ExchangeResult) -> None:
    bucket.slow += result.slow
    if result.primary_ms is None or result.shadow_ms is None or result.shadow_status is None:
        return
    histogram.count_value(bucket.primary, result.primary_ms)
    histogram.count_value(bucket.shadow, result.shadow_ms)
    histogram.count_value(bucket.difference, result.shadow_ms - result.primary_ms)


def _add_observation(noise: NoiseEndpointGains, observation: NoiseObservation) -> None:
    if not observation.answered:
        noise.unanswered += 1
        return
    noise.pairs += 1
    for key in observation.places:
        place = noise.places[key]
        is_odd = key in observation.primary_odd or key in observation.shadow_odd
        is_far = key in observation.far
        place.primary_odd += key in observation.primary_odd
        place.shadow_odd += key in observation.shadow_odd
        place.again_odd += key in observation.again_odd
        place.all_differ += key in observation.all_differ
        place.regenerated += key in observation.regenerated
        place.agreed += key in observation.agreed
        place.rising += is_odd and key in observation.rising
        place.falling += is_odd and key in observation.falling
        place.far_rising += is_far and key in observation.rising
        place.far_falling += is_far and key in observation.falling


def _add_example(signatures: dict[str, SignatureGains], example: SignatureExample) -> None:
    signature = signatures.setdefault(example.problem.fingerprint, SignatureGains(example, example))
    signature.count += 1
    signature.first = min(signature.first, example, key=_capture_order)
    signature.latest = max(signature.latest, example, key=_capture_order)
    build = example.result.build
    signature.builds[build] = max(signature.builds.get(build, example), example, key=_capture_order)
    shape = signature.shapes.setdefault(example.problem.shape, ShapeGains(example))
    shape.count += 1
    shape.latest = max(shape.latest, example, key=_capture_order)


def _capture_order(example: SignatureExample) -> tuple[int, str]:
    return example.result.captured_at_ms, example.result.exchange_id
