"""What asking one version twice shows about each place. Pure.

The same version's two answers are compared as shadow and primary are, by the launch's own rules, so that what a rule
calls equal is not called noise. Nothing that is known of noise goes in: knowledge must not feed itself.
"""

from collections.abc import Iterable
from dataclasses import replace

from darklaunch_shared.wire.replay import Version

from darklaunch_comparator.compare import (
    Comparison,
    Outcome,
    Reason,
    Rules,
    Side,
    compare,
    excusable,
    identifier_places,
)
from darklaunch_comparator.results.result import Observation
from darklaunch_comparator.results.storable import PATH_CHARS, storable

_STATUS = frozenset({"status"})


def observe(
    version: Version, method: str, first: Side, second: Side, rules: Rules, candidate: Comparison
) -> Observation | None:
    """Compare the two answers of one version; `candidate` is the comparison of shadow and primary.

    None when one of the comparisons is not complete: then nothing can be told of any place.
    """
    own = compare(method, first, second, rules)
    if Outcome.UNVERIFIED in (own.outcome, candidate.outcome) or own.detail or candidate.detail:
        return None
    differences = {(each.group_path, excusable(each.group_path, each.kind)) for each in own.differences}
    varied = _places(place for place, value in differences if value)
    seen = Observation(
        version,
        varied=varied,
        regenerated=_excused(own, Reason.GENERATED_ID) - varied,
        unstable=_places(place for place, value in differences if not value),
        candidate=_places(each.group_path for each in candidate.differences)
        | _excused(candidate, Reason.NOISE, Reason.GENERATED_ID),
    )
    if "status" in seen.unstable:  # two bodies of two statuses: nothing else was compared, or means anything
        return Observation(version, unstable=_STATUS, candidate=seen.candidate & _STATUS)
    seen = replace(seen, agreed=_places(identifier_places(first.answer)) - seen.differing)
    return replace(seen, candidate=_STATUS, paired=False) if "status" in seen.candidate else seen


def _excused(comparison: Comparison, *reasons: Reason) -> frozenset[str]:
    return _places(excuse.path for excuse in comparison.excuses if excuse.reason in reasons)


def _places(paths: Iterable[str]) -> frozenset[str]:
    return frozenset([storable(path, PATH_CHARS) for path in paths])
