"""Compare two responses to one request: the story, from status to body."""

from .bodies import compare_bodies
from .collector import MATCHED, DifferenceCollector, Unverified
from .endpoint_rules import NO_RULES, EndpointRules
from .headers import compare_headers, find_changed_headers
from .known_noise import NO_NOISE, KnownNoise
from .model import ComparedResponse, Comparison
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
    changed = find_changed_headers(primary_response.headers, shadow_response.headers, rules.compared_headers)
    same_status = primary_response.status == shadow_response.status
    if same_status and not changed and primary_response.body == shadow_response.body:
        return MATCHED
    request_fields = None
    if primary.list_request_fields is not None and shadow.list_request_fields is not None:
        request_fields = primary.list_request_fields, shadow.list_request_fields
    collector = DifferenceCollector(rules, noise, request_fields)
    if not same_status:
        collector.add_status(primary_response.status, shadow_response.status)
        if primary_response.status // 100 != shadow_response.status // 100:
            return collector.conclude()  # a page and an error page have nothing to compare
    volatile = VolatileValues(primary, shadow)
    try:
        compare_headers(changed, primary, shadow, volatile, collector)
        compare_bodies(method, primary_response, shadow_response, volatile, collector, same_content_headers=not changed)
    except Unverified as unverified:
        collector.detail = str(unverified)
    return collector.conclude()
