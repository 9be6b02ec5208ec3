"""Which exchanges are replayed now: what the launch state orders, and what the launch's rules refuse. Pure.

The hook has applied the same rules when it captured. They are applied again because whoever can write to the stream
must not be able to make workers send what the launch forbids.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Final

from darklaunch_shared.launch.effective_method import find_other_paths, find_overrides, may_override
from darklaunch_shared.launch.path_policy import PathPolicy
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.wire.exchange import Exchange
from darklaunch_shared.wire.http_headers import EXCHANGE_HEADER

HEAD_CAP_BYTES: Final = 262_144
"""Request target and header fields together: four times what common servers accept."""
HEADERS_CAP: Final = 512


class ReplayMode(StrEnum):
    """What happens to the next exchange."""

    REPLAY = "replay"
    WAIT = "wait"  # leave it on the stream
    DROP = "drop"  # end it without a replay


@dataclass(frozen=True, slots=True)
class ReplayOrders:
    """A mode, and with DROP the reason that the ledger counts the exchange under."""

    mode: ReplayMode
    reason: str = ""


REPLAY: Final = ReplayOrders(ReplayMode.REPLAY)
WAIT: Final = ReplayOrders(ReplayMode.WAIT)


def read_orders(state: LaunchState | None) -> ReplayOrders:
    """Return what a launch's state orders. A state that cannot be read (None) orders to wait: nothing is dropped."""
    if state is None:
        return WAIT
    if state.hold or state.status is LaunchStatus.ROLLED_BACK:
        return ReplayOrders(ReplayMode.DROP, "superseded_by_rollback")
    if state.status is LaunchStatus.PAUSED:
        return ReplayOrders(ReplayMode.DROP, state.discard_reason) if state.discard_reason else WAIT
    return REPLAY  # active, or promoted with exchanges left from before


def is_stale(exchange: Exchange, spec: LaunchSpec, now_s: float) -> bool:
    """True if an exchange is too old: the shadow's data has moved on, so that comparing would mislead."""
    return now_s - exchange.captured_at_ms / 1000 > spec.max_age_s


def find_refusal(exchange: Exchange, policy: PathPolicy, spec: LaunchSpec) -> str | None:
    """Return the ledger's reason why an exchange must not be replayed; None when it may be."""
    request = exchange.request
    names = [name.lower() for name, _ in request.headers]
    if EXCHANGE_HEADER in names:  # a replay that a hook captured
        return "loop"
    if is_too_large(exchange, spec):
        return "too_large"
    path = request.target.partition("?")[0]
    if not (request.body or may_override(names, request.target)):
        return policy.explain_refusal(request.method, path)
    overrides = find_overrides(request.headers, request.target, request.body)
    return policy.explain_refusal(request.method, path, overrides, find_other_paths(request.headers))


def is_too_large(exchange: Exchange, spec: LaunchSpec) -> bool:
    """True if a body, or the head of the request, is over its cap."""
    request = exchange.request
    if len(request.body) > spec.request_cap_bytes or len(exchange.primary.body) > spec.response_cap_bytes:
        return True
    head_bytes = len(request.target) + sum(map(len, chain.from_iterable(request.headers)))
    return head_bytes > HEAD_CAP_BYTES or len(request.headers) > HEADERS_CAP
