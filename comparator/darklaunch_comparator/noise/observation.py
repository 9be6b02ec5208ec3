"""What a second replay of one version shows about each place in its responses. Pure.

The two responses are compared as shadow and primary are, by the launch's own rules, so that what a rule treats as equal
is not learned as noise. Known noise is left out of this comparison: what was learned must not confirm itself.
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
    *,
    rules: EndpointRules,
    candidate: Comparison,
) -> NoiseObservation | None:
    """Compare the two responses of one version; `candidate` is the comparison of shadow and primary.

    None if one of the comparisons is not complete: that shows nothing about any place.
    """
    own = compare(method, first, second, rules)
    if ComparisonOutcome.UNVERIFIED in (own.outcome, candidate.outcome) or own.detail or candidate.detail:
        return None
    differences = {(each.group_path, noise_may_excuse(each.group_path, each.kind)) for each in own.differences}
    varied = _storable_places(place for place, is_value in differences if is_value)
    observation = NoiseObservation(
        version,
        varied=varied,
        regenerated=_find_excused(own, ExcuseReason.GENERATED_ID) - varied,
        unstable=_storable_places(place for place, is_value in differences if not is_value),
        candidate=_storable_places(each.group_path for each in candidate.differences)
        | _find_excused(candidate, ExcuseReason.NOISE, ExcuseReason.GENERATED_ID),
    )
    if "status" in observation.unstable:  # bodies of two statuses are not comparable
        return NoiseObservation(version, unstable=_STATUS, candidate=observation.candidate & _STATUS)
    observation = replace(
        observation, agreed=_storable_places(find_identifier_places(first.response)) - observation.differing
    )
    if "status" in observation.candidate:
        return replace(observation, candidate=_STATUS, paired=False)
    return observation


def _find_excused(comparison: Comparison, *reasons: ExcuseReason) -> frozenset[str]:
    return _storable_places(excuse.path for excuse in comparison.excuses if excuse.reason in reasons)


def _storable_places(paths: Iterable[str]) -> frozenset[str]:
    return frozenset([storable_text(path, PATH_CHARS) for path in paths])
