"""What a second replay of one version shows about each place in its responses. Pure.

The primary's, the shadow's and the second response are compared pair by pair, as shadow and primary are, by the
launch's own rules, so that what a rule treats as equal is not learned as noise. Known noise is left out of these
comparisons: what was learned must not confirm itself.
"""

from collections.abc import Iterable

from darklaunch_shared.wire.replay import ReplayedVersion

from darklaunch_comparator.compare import (
    ComparedResponse,
    Comparison,
    ComparisonOutcome,
    DifferenceKind,
    EndpointRules,
    ExcuseReason,
    NoiseAspect,
    NoiseKey,
    compare,
    compare_sizes,
    find_identifier_places,
    is_far,
    make_noise_key,
)
from darklaunch_comparator.results.result import NoiseObservation
from darklaunch_comparator.results.storable import PATH_CHARS, storable_text

_STATUS: NoiseKey = make_noise_key("status", DifferenceKind.STATUS)


def observe_noise(
    version: ReplayedVersion,
    method: str,
    *,
    primary: ComparedResponse,
    shadow: ComparedResponse,
    again: ComparedResponse,
    rules: EndpointRules,
    candidate: Comparison,
) -> NoiseObservation | None:
    """Compare three responses to one request; `again` is the second one of `version`.

    `candidate` is the comparison of shadow and primary that was recorded. None if one of the comparisons is not
    complete: that shows nothing about any place.
    """
    first, other = (primary, shadow) if version is ReplayedVersion.PRIMARY else (shadow, primary)
    if any(excuse.reason in (ExcuseReason.NOISE, ExcuseReason.MAGNITUDE) for excuse in candidate.excuses):
        candidate = compare(method, primary, shadow, rules)
    own = compare(method, first, again, rules)
    across = candidate  # of the second response with the other version's, if it equals the first
    if _shows_places(own):
        across = compare(method, other, again, rules) if _shows_places(candidate) else own
    comparisons = (candidate, own, across)
    if any(each.outcome is ComparisonOutcome.UNVERIFIED or each.detail for each in comparisons):
        return None
    varied, renewed = _find_differing(own), _find_renewed(own, ExcuseReason.GENERATED_ID, ExcuseReason.CLOCK)
    apart = _find_differing(candidate) | _find_renewed(candidate)
    between, beyond = apart, _find_differing(across) | _find_renewed(across)
    if version is ReplayedVersion.SHADOW:
        # That the shadow repeats its identifier does not accuse it of having another one than the primary: an
        # identifier that each process makes up when it starts does just that.
        between, beyond = _find_differing(candidate), _find_differing(across)
    # One response of another shape is the odd one, although the identifiers of the other two are new each time.
    by_shape = _find_in_two(_find_differing(candidate), varied, _find_differing(across))
    observed = _name_odd_ones(
        version,
        candidate=(between - by_shape) | (_find_differing(candidate) & by_shape),
        own=varied,
        across=(beyond - by_shape) | (_find_differing(across) & by_shape),
        regenerated=renewed - varied - by_shape,
    )
    if _STATUS in observed.places:  # bodies of two statuses are not comparable
        observed = observed.without(observed.places - {_STATUS})
    rising, falling, far = _find_directions(candidate)
    mentioned = observed.places
    repeatable = _find_repeatable(version, first, again, rules.compared_headers)
    identifiers = frozenset((storable_text(path, PATH_CHARS), NoiseAspect.VALUE) for path in repeatable)
    return NoiseObservation(
        version,
        primary_odd=observed.primary_odd,
        shadow_odd=observed.shadow_odd,
        again_odd=observed.again_odd,
        all_differ=observed.all_differ,
        regenerated=observed.regenerated,
        agreed=frozenset() if _STATUS in mentioned else _find_agreed(version, identifiers - varied - renewed, apart),
        rising=rising & mentioned,
        falling=falling & mentioned,
        far=far & mentioned,
    )


def _name_odd_ones(
    version: ReplayedVersion,
    *,
    candidate: frozenset[NoiseKey],
    own: frozenset[NoiseKey],
    across: frozenset[NoiseKey],
    regenerated: frozenset[NoiseKey],
) -> NoiseObservation:
    """Return which response is the odd one at each place where exactly two of the three comparisons differ, or all.

    A place where only one of them differs was not compared in the others, below an array of another length for example.
    """
    first_odd = (candidate & own) - across
    other_odd = (candidate & across) - own
    of_primary, of_shadow = (first_odd, other_odd) if version is ReplayedVersion.PRIMARY else (other_odd, first_odd)
    return NoiseObservation(
        version,
        primary_odd=of_primary - regenerated,
        shadow_odd=of_shadow - regenerated,
        again_odd=((own & across) - candidate) - regenerated,
        all_differ=(candidate & own & across) - regenerated,
        regenerated=regenerated,
    )


def _find_in_two(
    one: frozenset[NoiseKey], other: frozenset[NoiseKey], third: frozenset[NoiseKey]
) -> frozenset[NoiseKey]:
    """Return what is in exactly two of three sets."""
    return ((one & other) | (one & third) | (other & third)) - (one & other & third)


def _find_agreed(
    version: ReplayedVersion, repeated: frozenset[NoiseKey], apart: frozenset[NoiseKey]
) -> frozenset[NoiseKey]:
    """Return the places that hold an identifier which is not made up anew, of those where one version repeated its own.

    The baseline shows that by repeating the primary's. The shadow's own repeat does not: only that both versions have
    the same one, so `apart` are the places at which they do not.
    """
    return repeated if version is ReplayedVersion.PRIMARY else repeated - apart


def _shows_places(comparison: Comparison) -> bool:
    """True if something differed at a place that is compared."""
    return bool(comparison.differences) or any(
        excuse.reason is not ExcuseReason.NOT_COMPARED for excuse in comparison.excuses
    )


def _find_differing(comparison: Comparison) -> frozenset[NoiseKey]:
    return _storable_keys(make_noise_key(each.group_path, each.kind) for each in comparison.differences)


def _find_repeatable(
    version: ReplayedVersion, first: ComparedResponse, again: ComparedResponse, compared_headers: frozenset[str]
) -> frozenset[str]:
    """Return the places where the second response must differ from the first if the version makes its values anew.

    Only the baseline is a witness for times: a second response of the shadow says nothing of what the primary did.
    """
    if version is ReplayedVersion.SHADOW:
        return find_identifier_places(first.response, compared_headers=compared_headers)
    return find_identifier_places(
        first.response,
        responded_at_ms=first.responded_at_ms,
        repeated_at_ms=again.responded_at_ms,
        compared_headers=compared_headers,
    )


def _find_renewed(comparison: Comparison, *reasons: ExcuseReason) -> frozenset[NoiseKey]:
    """Return the places that hold two identifiers of one shape, or times that moved, which is excused."""
    reasons = reasons or (ExcuseReason.GENERATED_ID,)
    return _storable_keys((excuse.path, NoiseAspect.VALUE) for excuse in comparison.excuses if excuse.reason in reasons)


def _find_directions(
    comparison: Comparison,
) -> tuple[frozenset[NoiseKey], frozenset[NoiseKey], frozenset[NoiseKey]]:
    """Return where the shadow's value is the greater one, where the primary's is, and where they are far apart.

    Of several differences at one place the first decides.
    """
    signs: dict[NoiseKey, int] = {}
    far: set[NoiseKey] = set()
    for each in comparison.differences:
        key = _storable_key(make_noise_key(each.group_path, each.kind))
        if key not in signs:
            signs[key] = compare_sizes(each.primary, each.shadow)
            if is_far(each.primary, each.shadow):
                far.add(key)
    rising = frozenset(key for key, sign in signs.items() if sign > 0)
    falling = frozenset(key for key, sign in signs.items() if sign < 0)
    return rising, falling, frozenset(far)


def _storable_key(key: NoiseKey) -> NoiseKey:
    return storable_text(key[0], PATH_CHARS), key[1]


def _storable_keys(keys: Iterable[NoiseKey]) -> frozenset[NoiseKey]:
    return frozenset([_storable_key(key) for key in keys])
