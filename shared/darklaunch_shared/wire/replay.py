"""Replays, which travel from the workers to the comparator: an exchange and the outcome of replaying it.

A replay entry has the exchange's fields plus `shadow_meta` (JSON) and `shadow` (the shadow's raw body, left out when it
equals the primary's). An exchange that was never replayed travels without bodies; `shadow_meta` says why. Two small
numbers in `shadow_meta` are optional: `client_ms`, the worker's own time where `latency_ms` is the app's, and
`floor_ms`, the network's part of it.

If one of the two versions was asked a second time, to learn what is noise, `control_meta` and `control` contain that
outcome in the same form. Its body is left out when it equals the version's first. Readers that do not know the two
fields skip them.
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
    """Why there is no response from the shadow."""

    REFUSED = "refused"
    DNS = "dns"
    TLS = "tls"
    RESET = "reset"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"  # the reply is not HTTP
    TOO_LARGE = "too_large"  # the response is over a size cap
    FORBIDDEN = "forbidden"  # the origin resolves to an address that must not be called


@immutable
class ShadowResponse:
    """A response of the shadow, or of the baseline.

    build      the version it came from, "" when unknown
    client_ms  the worker's own time of it, where `response.latency_ms` is the app's; see `worker_ms`
    floor_ms   the least time that a TCP connection to this server took in the last minutes: what the network alone
               adds to the worker's time; None when unknown
    """

    response: Response
    latency_source: LatencySource
    attempts: int
    replayed_at_ms: int
    build: str = ""
    client_ms: float | None = None
    floor_ms: float | None = None

    @property
    def worker_ms(self) -> float | None:
        """The worker's own time, from the first byte written to the last byte read; None when unknown."""
        return self.response.latency_ms if self.latency_source is LatencySource.CLIENT else self.client_ms


@immutable
class ShadowError:
    """No response of the shadow; `detail` is one line for people, `waited_ms` how long the worker tried.

    `build` is the version that the shadow's latest response came from.
    """

    error: ShadowErrorClass
    detail: str
    attempts: int
    waited_ms: float
    replayed_at_ms: int
    build: str = ""


class ReplayedVersion(StrEnum):
    """Which of the two versions a response came from."""

    PRIMARY = "primary"
    SHADOW = "shadow"


@immutable
class NoiseReplay:
    """The outcome of asking one version a second time: the primary's through the baseline instance, or the shadow's."""

    version: ReplayedVersion
    outcome: ShadowResponse | ShadowError


@immutable
class Replay:
    """An exchange with the shadow's outcome; `noise_replay` if it was replayed a second time."""

    exchange: Exchange
    shadow: ShadowResponse | ShadowError
    noise_replay: NoiseReplay | None = None


@immutable
class UnreplayedExchange:
    """An exchange that ended without a replay. `outcome` is `dropped` or `dead`; docs/CAPTURE.md lists the reasons."""

    id: str
    launch: str
    captured_at_ms: int
    endpoint: str
    outcome: str
    reason: str


def pack_replay(
    captured: Fields, shadow: ShadowResponse | ShadowError, noise_replay: NoiseReplay | None = None
) -> Fields:
    """Return a replay as stream fields; `captured` are the exchange's own fields, passed on unchanged."""
    primary_body = captured[keys.RESPONSE]
    meta, body = _pack_outcome(shadow, primary_body)
    fields = {**captured, keys.SHADOW_META: orjson.dumps(meta)}
    if body is not None:
        fields[keys.SHADOW] = body
    if noise_replay is None:
        return fields
    first_body = primary_body if noise_replay.version is ReplayedVersion.PRIMARY else _get_body(shadow)
    meta, body = _pack_outcome(noise_replay.outcome, first_body)
    fields[keys.CONTROL_META] = orjson.dumps({"version": noise_replay.version, **meta})
    if body is not None:
        fields[keys.CONTROL] = body
    return fields


def pack_unreplayed(exchange: UnreplayedExchange) -> Fields:
    """Return an exchange without a replay as stream fields, without bodies."""
    meta = {"launch": exchange.launch, "at": exchange.captured_at_ms, "endpoint": exchange.endpoint}
    shadow_meta = {"outcome": exchange.outcome, "reason": exchange.reason}
    return {
        keys.V: VERSION,
        keys.ID: exchange.id.encode(),
        keys.META: orjson.dumps(meta),
        keys.SHADOW_META: orjson.dumps(shadow_meta),
    }


def unpack_replay(fields: Fields) -> Replay | UnreplayedExchange:
    """Read a replay or an exchange without one from stream fields. Raises BadEntry when it is neither."""
    meta = read_meta(fields, keys.SHADOW_META)
    try:
        if "outcome" in meta:
            return _read_unreplayed(fields, str(meta["outcome"]), str(meta["reason"])[:100])
        exchange = unpack_exchange(fields)
        shadow = _read_outcome(meta, exchange.primary.body, fields.get(keys.SHADOW))
    except KeyError as missing:
        raise BadEntry(f"the replay has no {missing}") from None
    except (TypeError, ValueError) as broken:
        raise BadEntry(f"the replay's shadow_meta is damaged: {broken}") from None
    return Replay(exchange, shadow, _read_noise_replay(fields, exchange, shadow))


def _pack_outcome(outcome: ShadowResponse | ShadowError, known_body: bytes) -> tuple[dict[str, object], bytes | None]:
    if isinstance(outcome, ShadowError):
        return {
            "error": outcome.error,
            "detail": outcome.detail,
            "attempts": outcome.attempts,
            "waited_ms": outcome.waited_ms,
            "at": outcome.replayed_at_ms,
            **_build_member(outcome.build),
        }, None
    meta: dict[str, object] = {
        "status": outcome.response.status,
        "headers": outcome.response.headers,
        "latency_ms": outcome.response.latency_ms,
        "latency_source": outcome.latency_source,
        "attempts": outcome.attempts,
        "at": outcome.replayed_at_ms,
        **_build_member(outcome.build),
    }
    if outcome.client_ms is not None:
        meta["client_ms"] = outcome.client_ms
    if outcome.floor_ms is not None:
        meta["floor_ms"] = outcome.floor_ms
    if outcome.response.body == known_body:
        return {**meta, "same_body": True}, None
    return meta, outcome.response.body


def _read_outcome(meta: dict[str, Any], known_body: bytes, body: bytes | None) -> ShadowResponse | ShadowError:
    if "error" in meta:
        return ShadowError(
            error=ShadowErrorClass(meta["error"]),
            detail=str(meta["detail"]),
            attempts=int(meta["attempts"]),
            waited_ms=check_latency(meta["waited_ms"]),
            replayed_at_ms=read_captured_at_ms(meta),
            build=_read_build(meta),
        )
    if meta.get("same_body"):
        body = known_body
    elif body is None:
        raise BadEntry("the replay has a response without its body")
    response = Response(
        check_status(meta["status"]), check_headers(meta["headers"]), body, check_latency(meta["latency_ms"])
    )
    source = LatencySource(meta["latency_source"])
    return ShadowResponse(
        response,
        source,
        int(meta["attempts"]),
        read_captured_at_ms(meta),
        _read_build(meta),
        _read_optional_ms(meta, "client_ms"),
        _read_optional_ms(meta, "floor_ms"),
    )


def _read_noise_replay(fields: Fields, exchange: Exchange, shadow: ShadowResponse | ShadowError) -> NoiseReplay | None:
    """Read the second outcome; None when it cannot be read: that must never cost the exchange its first one."""
    if keys.CONTROL_META not in fields:
        return None
    try:
        meta = read_meta(fields, keys.CONTROL_META)
        version = ReplayedVersion(meta["version"])
        first_body = exchange.primary.body if version is ReplayedVersion.PRIMARY else _get_body(shadow)
        return NoiseReplay(version, _read_outcome(meta, first_body, fields.get(keys.CONTROL)))
    except (BadEntry, KeyError, TypeError, ValueError):
        return None


def _get_body(outcome: ShadowResponse | ShadowError) -> bytes:
    return outcome.response.body if isinstance(outcome, ShadowResponse) else b""


def _build_member(build: str) -> dict[str, str]:
    return {"build": build} if build else {}


def _read_build(meta: dict[str, Any]) -> str:
    build = meta.get("build", "")
    if not isinstance(build, str) or len(build) > BUILD_CHARS:
        raise BadEntry("the replay's build is not a text of at most 100 characters")
    return build


def _read_optional_ms(meta: dict[str, Any], name: str) -> float | None:
    return check_latency(meta[name]) if name in meta else None


def _read_unreplayed(fields: Fields, outcome: str, reason: str) -> UnreplayedExchange:
    if outcome not in ("dropped", "dead"):
        raise BadEntry(f"the replay's outcome is neither dropped nor dead: {outcome[:40]}")
    meta = read_meta(fields, keys.META)
    return UnreplayedExchange(
        read_exchange_id(fields), str(meta["launch"]), read_captured_at_ms(meta), str(meta["endpoint"]), outcome, reason
    )
