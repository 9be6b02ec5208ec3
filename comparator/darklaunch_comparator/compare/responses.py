"""Compare two responses to one request: the story, from status to body."""

from functools import lru_cache

from darklaunch_comparator.places import write_header_place

from .bodies import compare_bodies
from .collector import MATCHED, DifferenceCollector, Unverified
from .endpoint_rules import NO_RULES, EndpointRules
from .headers import compare_headers, find_changed_headers
from .known_noise import NO_NOISE, KnownNoise
from .model import ComparedResponse, Comparison, ComparisonOutcome, Excuse, ExcuseReason
from .volatile import VolatileValues


def compare(
    method: str,
    primary: ComparedResponse,
    shadow: ComparedResponse,
    rules: EndpointRules = NO_RULES,
    noise: KnownNoise = NO_NOISE,
) -> Comparison:
    """Compare a shadow's response with the primary's to the same request.

    `method` is the request's method, upper-case; `rules` are the operator's for its endpoint, `noise` is what was
    learned there. Pure, iterative and bounded: no body takes more than bounded time and memory, and none makes it
    raise.
    """
    primary_response, shadow_response = primary.response, shadow.response
    changed, uncompared = find_changed_headers(
        primary_response.headers, shadow_response.headers, rules.compared_headers
    )
    if uncompared and rules.never_compared_headers:
        uncompared = tuple([name for name in uncompared if name not in rules.never_compared_headers])
    same_status = primary_response.status == shadow_response.status
    if same_status and not changed and primary_response.body == shadow_response.body:
        return _match_but_for(uncompared) if uncompared else MATCHED
    request_fields = None
    if primary.list_request_fields is not None and shadow.list_request_fields is not None:
        request_fields = primary.list_request_fields, shadow.list_request_fields
    collector = DifferenceCollector(rules, noise, request_fields)
    if not same_status:
        collector.add_status(primary_response.status, shadow_response.status)
        if primary_response.status // 100 != shadow_response.status // 100:
            return collector.conclude()  # a page and an error page have nothing to compare
    for name in uncompared:
        collector.count_excuses(write_header_place(name), ExcuseReason.NOT_COMPARED)
    volatile = VolatileValues(primary, shadow)
    try:
        compare_headers(changed, primary, shadow, volatile, collector)
        compare_bodies(method, primary_response, shadow_response, volatile, collector, same_content_headers=not changed)
    except Unverified as unverified:
        collector.detail = str(unverified)
    return collector.conclude()


@lru_cache(maxsize=1024)
def _match_but_for(names: tuple[str, ...]) -> Comparison:
    """Return the match of two responses that differ in header fields which are not compared."""
    excuses = tuple([Excuse(write_header_place(name), ExcuseReason.NOT_COMPARED, 1) for name in names])
    return Comparison(ComparisonOutcome.MATCHED, excuses=excuses)
