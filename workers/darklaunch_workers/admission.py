"""Which exchanges a worker does not send, whatever the hook thought of them. Pure.

Whoever can write to the stream must not be able to make workers send what the launch forbids: the launch's rules for
methods, paths and sizes, and the rule against loops, are applied here again.
"""

from itertools import chain
from typing import Final

from darklaunch_shared.launch.path_policy import PathPolicy
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.exchange import Exchange
from darklaunch_shared.wire.http_headers import EXCHANGE_HEADER

HEAD_CAP_BYTES: Final = 262_144
"""Target and header fields together: four times what common servers accept."""
HEADERS_CAP: Final = 512


def stale(exchange: Exchange, spec: LaunchSpec, now_s: float) -> bool:
    """Say whether an exchange is too old: against state that has moved on, its comparison would mislead."""
    return now_s - exchange.captured_at_ms / 1000 > spec.max_age_s


def refusal(exchange: Exchange, policy: PathPolicy, spec: LaunchSpec) -> str | None:
    """Say why an exchange must not be replayed, as one of the ledger's reasons; None when it may be."""
    request = exchange.request
    if EXCHANGE_HEADER in [name.lower() for name, _ in request.headers]:
        return "loop"
    if too_large(exchange, spec):
        return "too_large"
    return policy.refusal(request.method, request.target.partition("?")[0])


def too_large(exchange: Exchange, spec: LaunchSpec) -> bool:
    """Say whether a body, or the request's head, is over its cap."""
    request = exchange.request
    if len(request.body) > spec.request_cap_bytes or len(exchange.primary.body) > spec.response_cap_bytes:
        return True
    head_bytes = len(request.target) + sum(map(len, chain.from_iterable(request.headers)))
    return head_bytes > HEAD_CAP_BYTES or len(request.headers) > HEADERS_CAP
