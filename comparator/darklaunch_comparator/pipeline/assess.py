"""Turn one stream entry into the result that is recorded of it. Pure: no I/O, no clock.

An exchange whose comparison fails becomes an `unverified` result that says so; other exchanges are not affected.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from darklaunch_shared.errors import BadEntry
from darklaunch_shared.launch.request_changes import has_own_host
from darklaunch_shared.launch.spec import SAFE_METHODS, LaunchSpec
from darklaunch_shared.wire.exchange import Exchange
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.http_headers import DRY_RUN_HEADER, EXCHANGE_HEADER, LAUNCH_HEADER, make_idempotency_key
from darklaunch_shared.wire.replay import (
    NoiseReplay,
    Replay,
    ReplayedVersion,
    ShadowError,
    ShadowErrorClass,
    ShadowResponse,
    UnreplayedExchange,
    unpack_replay,
)

from darklaunch_comparator.compare import (
    NO_NOISE,
    ComparedResponse,
    Comparison,
    KnownNoise,
    compare,
    compute_error_signature,
    compute_signature,
    compute_slow_signature,
    render_error_title,
    render_slow_title,
    render_title,
)
from darklaunch_comparator.noise.observation import observe_noise
from darklaunch_comparator.results.latency_clock import ComparedLatency, choose_clock
from darklaunch_comparator.results.request_shape import fingerprint_request
from darklaunch_comparator.results.result import (
    NO_CREDENTIALS,
    UNKNOWN,
    ExchangeResult,
    NoiseObservation,
    ResultProblem,
)
from darklaunch_comparator.results.storable import (
    ENDPOINT_CHARS,
    LABEL_CHARS,
    PATH_CHARS,
    TITLE_CHARS,
    storable_json,
    storable_text,
)
from darklaunch_comparator.rules import RuleBook, compile_stored_rules

from .missing_credentials import lacks_credentials

_LOSS_REASON: Final = re.compile(r"[a-z][a-z_]{0,39}")

log = logging.getLogger("darklaunch.comparator")


@dataclass(frozen=True, slots=True)
class LaunchRules:
    """How the responses of a launch are compared. `book` has each endpoint's rules, valid until its `stale_at`."""

    compare: bool
    book: RuleBook
    max_latency_diff_ms: float
    shadow_origin: str
    preserve_host: bool
    baseline_origin: str = ""


def compile_launch_rules(spec: LaunchSpec, now: datetime | None = None) -> LaunchRules:
    """Compile the rules of a launch that apply at a moment, by default now. Unreadable rules are left out.

    If an unreadable rule is one to mask, everything stored of the launch is masked.
    """
    book = compile_stored_rules(spec.rules, now or datetime.now(UTC))
    shadow = f"{spec.shadow.partition('://')[0]}://{spec.host}" if has_own_host(spec) else spec.shadow
    return LaunchRules(spec.compare, book, spec.max_latency_diff_ms, shadow, spec.host == "preserve", spec.control)


def assess_entry(
    launch: str, fields: Fields, rules: LaunchRules, noise: Mapping[str, KnownNoise] | None = None
) -> ExchangeResult:
    """Return the result of one entry of a launch's replays stream; `noise` is the launch's known noise, by endpoint.

    Raises BadEntry when the entry is damaged or belongs to another launch.
    """
    entry = unpack_replay(fields)
    named = entry.launch if isinstance(entry, UnreplayedExchange) else entry.exchange.launch
    if named != launch:
        raise BadEntry(f"the entry belongs to the launch {named[:63]!r}")
    if isinstance(entry, UnreplayedExchange):
        return _assess_loss(entry)
    if isinstance(entry.shadow, ShadowError):
        return _assess_error(entry.exchange, entry.shadow, fields, rules)
    return _assess_response(entry, entry.shadow, fields, rules, noise or {})


def _assess_loss(loss: UnreplayedExchange) -> ExchangeResult:
    if loss.outcome not in ("dropped", "dead"):
        raise BadEntry(f"the entry's outcome is neither dropped nor dead: {loss.outcome[:40]!r}")
    reason = loss.reason if _LOSS_REASON.fullmatch(loss.reason) else "other"
    endpoint = storable_text(loss.endpoint, ENDPOINT_CHARS)
    return ExchangeResult(loss.id, loss.captured_at_ms, endpoint, _parse_method(endpoint), loss.outcome, reason)


def _assess_error(exchange: Exchange, shadow: ShadowError, fields: Fields, rules: LaunchRules) -> ExchangeResult:
    waited_longer = shadow.waited_ms - exchange.primary.latency_ms > rules.max_latency_diff_ms
    endpoint = storable_text(exchange.endpoint, ENDPOINT_CHARS)
    parts = [{"path": "shadow", "kind": shadow.error.value}]
    difference = {
        "path": "shadow",
        "group_path": "shadow",
        "kind": shadow.error,
        "primary": None,
        "shadow": shadow.detail,
    }
    fingerprint = compute_error_signature(exchange.endpoint, shadow.error)
    return ExchangeResult(
        exchange.id,
        exchange.captured_at_ms,
        endpoint,
        storable_text(exchange.request.method, LABEL_CHARS),
        "shadow_error",
        shadow.error.value,
        primary_status=exchange.primary.status,
        primary_ms=exchange.primary.latency_ms,
        shadow_ms=shadow.waited_ms,
        latency_source="waited",
        slow=shadow.error is ShadowErrorClass.TIMEOUT and waited_longer,
        build=storable_text(shadow.build, LABEL_CHARS),
        problems=(
            ResultProblem(
                "shadow_error",
                fingerprint,
                render_error_title(shadow.error),
                storable_json(parts),
                storable_json([difference]),
                0,
                fingerprint_request(exchange.request.target, exchange.primary.status, None),
                fields,
                rules.book.mask_places_for(exchange.endpoint),
            ),
        ),
    )


def _assess_response(
    replay: Replay, shadow: ShadowResponse, fields: Fields, rules: LaunchRules, noise: Mapping[str, KnownNoise]
) -> ExchangeResult:
    exchange = replay.exchange
    endpoint = storable_text(exchange.endpoint, ENDPOINT_CHARS)
    outcome, reason, comparison = compare_exchange(exchange, shadow, rules, noise.get(endpoint, NO_NOISE))
    # How long it takes to ask who is there says nothing of how long the page takes.
    is_timed = reason != NO_CREDENTIALS
    slow = is_timed and shadow.response.latency_ms - exchange.primary.latency_ms > rules.max_latency_diff_ms
    latency = choose_clock(shadow, replay.noise_replay) if is_timed else ComparedLatency()
    problems: tuple[ResultProblem, ...] = ()
    if comparison and outcome == "mismatched":
        problems = (_build_mismatch(exchange, shadow, comparison, rules, fields),)
    if slow:
        problems = (*problems, _build_slowness(exchange, shadow, rules, fields))
    return ExchangeResult(
        exchange.id,
        exchange.captured_at_ms,
        endpoint,
        storable_text(exchange.request.method, LABEL_CHARS),
        outcome,
        None if reason is None else storable_text(reason, LABEL_CHARS),
        exchange.primary.status,
        shadow.response.status,
        exchange.primary.latency_ms,
        shadow.response.latency_ms if is_timed else None,
        shadow.latency_source.value if is_timed else None,
        slow,
        storable_text(shadow.build, LABEL_CHARS),
        _observe(replay, shadow, replay.noise_replay, rules, comparison) if replay.noise_replay else None,
        problems,
        _list_excuses(comparison) if comparison and comparison.excuses else (),
        latency.clock and latency.clock.value,
        latency.baseline_ms,
        latency.floor_ms,
        comparison.compared_share if comparison and comparison.total_places else None,
    )


def compare_exchange(
    exchange: Exchange, shadow: ShadowResponse, rules: LaunchRules, noise: KnownNoise
) -> tuple[str, str | None, Comparison | None]:
    """Compare shadow and primary. Return the outcome, its reason or None, and the comparison if there was one."""
    if not rules.compare:
        return "unverified", "comparison_off", None
    if exchange.redacted and lacks_credentials(exchange, shadow.response):
        return "unverified", NO_CREDENTIALS, None
    primary_side = _describe_primary(exchange)
    shadow_side = _describe_replay(exchange, shadow, rules.shadow_origin, rules)
    try:
        comparison = compare(
            exchange.request.method, primary_side, shadow_side, rules.book.rules_for(exchange.endpoint), noise
        )
    except Exception as error:  # the boundary of one exchange: whatever its bodies provoke stays with it
        log.exception("comparing exchange %s failed", exchange.id)
        return "unverified", f"comparator error: {type(error).__name__}: {error}", None
    return comparison.outcome.value, comparison.detail or None, comparison


def _observe(
    replay: Replay, shadow: ShadowResponse, repeat: NoiseReplay, rules: LaunchRules, candidate: Comparison | None
) -> NoiseObservation | None:
    """Return what a second response of one version shows. Whatever goes wrong here, the exchange keeps its outcome."""
    exchange, again = replay.exchange, repeat.outcome
    if candidate is None:
        return None
    if isinstance(again, ShadowError):
        return NoiseObservation(repeat.version, answered=False)
    origin = rules.baseline_origin if repeat.version is ReplayedVersion.PRIMARY else rules.shadow_origin
    if repeat.version is ReplayedVersion.SHADOW and again.build != shadow.build:
        return None  # deployed in between: these are two versions
    try:
        return observe_noise(
            repeat.version,
            exchange.request.method,
            primary=_describe_primary(exchange),
            shadow=_describe_replay(exchange, shadow, rules.shadow_origin, rules),
            again=_describe_replay(exchange, again, origin, rules),
            rules=rules.book.rules_for(exchange.endpoint),
            candidate=candidate,
        )
    except Exception:
        log.exception("the second response to exchange %s could not be compared", exchange.id)
        return None


def _describe_primary(exchange: Exchange) -> ComparedResponse:
    at_ms = exchange.captured_at_ms + int(exchange.primary.latency_ms)
    return ComparedResponse(exchange.primary, exchange.request.origin, at_ms, partial(_list_captured_fields, exchange))


def _describe_replay(exchange: Exchange, answered: ShadowResponse, origin: str, rules: LaunchRules) -> ComparedResponse:
    at_ms = answered.replayed_at_ms + int(answered.response.latency_ms)
    seen_origin = origin
    if rules.preserve_host:  # the primary's host, and the scheme that the shadow is spoken to with
        seen_origin = f"{origin.partition('://')[0]}://{exchange.request.origin.partition('://')[2]}"
    return ComparedResponse(
        answered.response,
        seen_origin,
        at_ms,
        partial(_list_sent_fields, exchange, origin, preserve_host=rules.preserve_host),
    )


def _list_captured_fields(exchange: Exchange) -> dict[str, str]:
    """Return the header fields that the primary got."""
    fields = {name.lower(): value for name, value in exchange.request.headers}
    fields.setdefault("host", exchange.request.origin.partition("://")[2])
    return fields


def _list_sent_fields(exchange: Exchange, origin: str, *, preserve_host: bool) -> dict[str, str]:
    """Return those of the header fields of a replay that differ from the primary's, as workers write them."""
    captured = _list_captured_fields(exchange)
    fields = {
        "host": captured["host"] if preserve_host else origin.partition("://")[2],
        LAUNCH_HEADER: exchange.launch,
        EXCHANGE_HEADER: exchange.id,
    }
    if exchange.request.body or exchange.request.method in ("POST", "PUT", "PATCH"):
        fields["content-length"] = str(len(exchange.request.body))
    if exchange.request.method not in SAFE_METHODS:
        fields[DRY_RUN_HEADER] = "1"
    key = captured.get("idempotency-key")
    if key is not None:
        fields["idempotency-key"] = key
    elif exchange.request.method not in SAFE_METHODS:
        fields["idempotency-key"] = make_idempotency_key(exchange.launch, exchange.id)
    return fields


def _build_mismatch(
    exchange: Exchange, shadow: ShadowResponse, comparison: Comparison, rules: LaunchRules, fields: Fields
) -> ResultProblem:
    pairs = sorted({(difference.group_path, difference.kind.value) for difference in comparison.differences})
    return ResultProblem(
        "mismatched",
        compute_signature(exchange.endpoint, comparison),
        storable_text(render_title(comparison), TITLE_CHARS),
        storable_json([{"path": path, "kind": kind} for path, kind in pairs]),
        storable_json([asdict(difference) for difference in comparison.differences]),
        comparison.omitted,
        fingerprint_request(exchange.request.target, exchange.primary.status, shadow.response.status),
        fields,
        rules.book.mask_places_for(exchange.endpoint),
    )


def _build_slowness(exchange: Exchange, shadow: ShadowResponse, rules: LaunchRules, fields: Fields) -> ResultProblem:
    place = {"path": "latency", "kind": "slow"}
    took = {
        "group_path": "latency",
        "primary": f"{exchange.primary.latency_ms:,.1f} ms",
        "shadow": f"{shadow.response.latency_ms:,.1f} ms",
    }
    return ResultProblem(
        "slow",
        compute_slow_signature(exchange.endpoint),
        render_slow_title(rules.max_latency_diff_ms),
        storable_json([place]),
        storable_json([place | took]),
        0,
        fingerprint_request(exchange.request.target, exchange.primary.status, shadow.response.status),
        fields,
        rules.book.mask_places_for(exchange.endpoint),
    )


def _list_excuses(comparison: Comparison) -> tuple[tuple[str, str, int], ...]:
    return tuple(
        (storable_text(excuse.path, PATH_CHARS), excuse.reason.value, excuse.count) for excuse in comparison.excuses
    )


def _parse_method(endpoint: str) -> str:
    method, space, _ = endpoint.partition(" ")
    return method if space and method.isalpha() else UNKNOWN
