"""What travels from the workers to the comparator: an exchange and what became of its replay.

A replay entry holds the exchange's fields plus `shadow_meta` (JSON) and `shadow` (the shadow's raw body, left out when
it has the same bytes as the primary's). An exchange that was never replayed travels without bodies, with its loss.

Where one of the two versions was asked a second time, for the noise baseline, `control_meta` and `control` hold what
came of it in the same form, the body left out when it has the same bytes as that version's first. A reader that knows
nothing of the baseline skips both fields.
"""

from enum import StrEnum
from typing import Any, Final

import orjson

from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.process.fast_dataclass import immutable

from .exchange import (
    VERSION,
    Exchange,
    Response,
    check_headers,
    check_latency,
    check_status,
    read_captured_at_ms,
    read_exchange_id,
    read_meta,
    unpack_exchange,
)
from .fields import Fields

BUILD_CHARS: Final = 100


class LatencySource(StrEnum):
    """Where the shadow's latency was measured: inside the shadow app, or by the replay client."""

    SERVER_TIMING = "server_timing"
    CLIENT = "client"


class ShadowErrorClass(StrEnum):
    """Why there is no answer from the shadow."""

    REFUSED = "refused"
    DNS = "dns"
    TLS = "tls"
    RESET = "reset"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"  # what came back is not HTTP
    TOO_LARGE = "too_large"  # the answer is over a size cap
    FORBIDDEN = "forbidden"  # the origin resolves to an address that must not be called


@immutable
class ShadowResponse:
    """The shadow answered. `build` is the version that did, "" when nobody says."""

    response: Response
    latency_source: LatencySource
    attempts: int
    replayed_at_ms: int
    build: str = ""


@immutable
class ShadowError:
    """The shadow gave no answer; `detail` is one line for people, `waited_ms` how long the worker tried.

    `build` is the version that answered last.
    """

    error: ShadowErrorClass
    detail: str
    attempts: int
    waited_ms: float
    replayed_at_ms: int
    build: str = ""


class ReplayedVersion(StrEnum):
    """Which of the two versions an answer is from."""

    PRIMARY = "primary"
    SHADOW = "shadow"


@immutable
class NoiseReplay:
    """What one version answered to the request a second time: `primary` through the control origin, or `shadow`."""

    version: ReplayedVersion
    outcome: ShadowResponse | ShadowError


@immutable
class Replay:
    """An exchange and the shadow's side of it; `noise_replay` where it was replayed a second time."""

    exchange: Exchange
    shadow: ShadowResponse | ShadowError
    noise_replay: NoiseReplay | None = None


@immutable
class UnreplayedExchange:
    """An exchange that ended without a replay: `outcome` is `dropped` or `dead`, `reason` one of PROTOCOL's words."""

    id: str
    launch: str
    captured_at_ms: int
    endpoint: str
    outcome: str
    reason: str


def pack_replay(
    captured: Fields, shadow: ShadowResponse | ShadowError, noise_replay: NoiseReplay | None = None
) -> Fields:
    """Turn an outcome into stream fields; `captured` are the exchange's own fields, passed on as they came."""
    primary_body = captured[keys.RESPONSE]
    meta, body = _pack_side(shadow, primary_body)
    fields = {**captured, keys.SHADOW_META: orjson.dumps(meta)}
    if body is not None:
        fields[keys.SHADOW] = body
    if noise_replay is None:
        return fields
    first_body = primary_body if noise_replay.version is ReplayedVersion.PRIMARY else _body(shadow)
    meta, body = _pack_side(noise_replay.outcome, first_body)
    fields[keys.CONTROL_META] = orjson.dumps({"version": noise_replay.version, **meta})
    if body is not None:
        fields[keys.CONTROL] = body
    return fields


def pack_unreplayed(loss: UnreplayedExchange) -> Fields:
    """Turn a loss into stream fields, without bodies."""
    meta = {"launch": loss.launch, "at": loss.captured_at_ms, "endpoint": loss.endpoint}
    shadow_meta = {"outcome": loss.outcome, "reason": loss.reason}
    return {
        keys.V: VERSION,
        keys.ID: loss.id.encode(),
        keys.META: orjson.dumps(meta),
        keys.SHADOW_META: orjson.dumps(shadow_meta),
    }


def unpack_replay(fields: Fields) -> Replay | UnreplayedExchange:
    """Read a replay or a loss back from stream fields. Raises BadEntry when it is neither."""
    meta = read_meta(fields, keys.SHADOW_META)
    try:
        if "outcome" in meta:
            return _loss(fields, str(meta["outcome"]), str(meta["reason"])[:100])
        exchange = unpack_exchange(fields)
        shadow = _read_side(meta, exchange.primary.body, fields.get(keys.SHADOW))
    except KeyError as missing:
        raise BadEntry(f"the replay has no {missing}") from None
    except (TypeError, ValueError) as broken:
        raise BadEntry(f"the replay's shadow_meta is damaged: {broken}") from None
    return Replay(exchange, shadow, _read_noise_replay(fields, exchange, shadow))


def _pack_side(outcome: ShadowResponse | ShadowError, known_body: bytes) -> tuple[dict[str, object], bytes | None]:
    if isinstance(outcome, ShadowError):
        return {
            "error": outcome.error,
            "detail": outcome.detail,
            "attempts": outcome.attempts,
            "waited_ms": outcome.waited_ms,
            "at": outcome.replayed_at_ms,
            **_named(outcome.build),
        }, None
    meta: dict[str, object] = {
        "status": outcome.response.status,
        "headers": outcome.response.headers,
        "latency_ms": outcome.response.latency_ms,
        "latency_source": outcome.latency_source,
        "attempts": outcome.attempts,
        "at": outcome.replayed_at_ms,
        **_named(outcome.build),
    }
    if outcome.response.body == known_body:
        return {**meta, "same_body": True}, None
    return meta, outcome.response.body


def _read_side(meta: dict[str, Any], known_body: bytes, body: bytes | None) -> ShadowResponse | ShadowError:
    if "error" in meta:
        return ShadowError(
            error=ShadowErrorClass(meta["error"]),
            detail=str(meta["detail"]),
            attempts=int(meta["attempts"]),
            waited_ms=check_latency(meta["waited_ms"]),
            replayed_at_ms=read_captured_at_ms(meta),
            build=_build(meta),
        )
    if meta.get("same_body"):
        body = known_body
    elif body is None:
        raise BadEntry("the replay has a side without its body")
    response = Response(
        check_status(meta["status"]), check_headers(meta["headers"]), body, check_latency(meta["latency_ms"])
    )
    source = LatencySource(meta["latency_source"])
    return ShadowResponse(response, source, int(meta["attempts"]), read_captured_at_ms(meta), _build(meta))


def _read_noise_replay(fields: Fields, exchange: Exchange, shadow: ShadowResponse | ShadowError) -> NoiseReplay | None:
    """Read the second answer. One that cannot be read is left out: it must never cost the exchange its outcome."""
    if keys.CONTROL_META not in fields:
        return None
    try:
        meta = read_meta(fields, keys.CONTROL_META)
        version = ReplayedVersion(meta["version"])
        first_body = exchange.primary.body if version is ReplayedVersion.PRIMARY else _body(shadow)
        return NoiseReplay(version, _read_side(meta, first_body, fields.get(keys.CONTROL)))
    except (BadEntry, KeyError, TypeError, ValueError):
        return None


def _body(outcome: ShadowResponse | ShadowError) -> bytes:
    return outcome.response.body if isinstance(outcome, ShadowResponse) else b""


def _named(build: str) -> dict[str, str]:
    return {"build": build} if build else {}


def _build(meta: dict[str, Any]) -> str:
    build = meta.get("build", "")
    if not isinstance(build, str) or len(build) > BUILD_CHARS:
        raise BadEntry("the replay's build is not a text of at most 100 characters")
    return build


def _loss(fields: Fields, outcome: str, reason: str) -> UnreplayedExchange:
    if outcome not in ("dropped", "dead"):
        raise BadEntry(f"the replay's outcome is neither dropped nor dead: {outcome[:40]}")
    meta = read_meta(fields, keys.META)
    return UnreplayedExchange(
        read_exchange_id(fields), str(meta["launch"]), read_captured_at_ms(meta), str(meta["endpoint"]), outcome, reason
    )
