"""What asking one version twice shows about each place. Pure.

The same version's two answers are compared as shadow and primary are, by the launch's own rules, so that what a rule
calls equal is not called noise. Nothing that is known of noise goes in: knowledge must not feed itself.
"""

from collections.abc import Iterable
from dataclasses import replace

from darklaunch_shared.wire.replay import ReplayedVersion

from darklaunch_comparator.compare import (
    ComparedResponse,
    Comparison,
    ComparisonOutcome,
    EndpointRules,
    ExcuseReason,
    compare,
    find_identifier_places,
    noise_may_excuse,
)
from darklaunch_comparator.results.result import NoiseObservation
from darklaunch_comparator.results.storable import PATH_CHARS, storable_text

_STATUS = frozenset({"status"})


def observe_noise(
    version: ReplayedVersion,
    method: str,
    first: ComparedResponse,
    second: ComparedResponse,
    rules: EndpointRules,
    candidate: Comparison,
) -> NoiseObservation | None:
    """Compare the two answers of one version; `candidate` is the comparison of shadow and primary.

    None when one of the comparisons is not complete: then nothing can be told of any place.
    """
    own = compare(method, first, second, rules)
    if ComparisonOutcome.UNVERIFIED in (own.outcome, candidate.outcome) or own.detail or candidate.detail:
        return None
    differences = {(each.group_path, noise_may_excuse(each.group_path, each.kind)) for each in own.differences}
    varied = _places(place for place, value in differences if value)
    seen = NoiseObservation(
        version,
        varied=varied,
        regenerated=_excused(own, ExcuseReason.GENERATED_ID) - varied,
        unstable=_places(place for place, value in differences if not value),
        candidate=_places(each.group_path for each in candidate.differences)
        | _excused(candidate, ExcuseReason.NOISE, ExcuseReason.GENERATED_ID),
    )
    if "status" in seen.unstable:  # two bodies of two statuses: nothing else was compared, or means anything
        return NoiseObservation(version, unstable=_STATUS, candidate=seen.candidate & _STATUS)
    seen = replace(seen, agreed=_places(find_identifier_places(first.response)) - seen.differing)
    return replace(seen, candidate=_STATUS, paired=False) if "status" in seen.candidate else seen


def _excused(comparison: Comparison, *reasons: ExcuseReason) -> frozenset[str]:
    return _places(excuse.path for excuse in comparison.excuses if excuse.reason in reasons)


def _places(paths: Iterable[str]) -> frozenset[str]:
    return frozenset([storable_text(path, PATH_CHARS) for path in paths])
