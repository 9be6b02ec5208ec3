"""What travels from the workers to the comparator: an exchange and what became of its replay.

A replay entry holds the exchange's fields plus `shadow_meta` (JSON) and `shadow` (the shadow's raw body, left out when
it has the same bytes as the primary's). An exchange that was never replayed travels without bodies, with its loss.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

from . import keys
from .errors import BadEntry
from .exchange import (
    VERSION,
    Answer,
    Exchange,
    Fields,
    as_headers,
    as_latency,
    as_status,
    captured_at_ms,
    exchange_id,
    read_meta,
    unpack_exchange,
)

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


@dataclass(frozen=True, slots=True)
class Answered:
    """The shadow answered. `build` is the version that did, "" when nobody says."""

    answer: Answer
    latency_source: LatencySource
    attempts: int
    replayed_at_ms: int
    build: str = ""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The shadow gave no answer; `detail` is one line for people, `waited_ms` how long the worker tried.

    `build` is the version that answered last.
    """

    error: ShadowErrorClass
    detail: str
    attempts: int
    waited_ms: float
    replayed_at_ms: int
    build: str = ""


@dataclass(frozen=True, slots=True)
class Replay:
    """An exchange and the shadow's side of it."""

    exchange: Exchange
    shadow: Answered | Unanswered


@dataclass(frozen=True, slots=True)
class Loss:
    """An exchange that ended without a replay: `outcome` is `dropped` or `dead`, `reason` one of PROTOCOL's words."""

    id: str
    launch: str
    captured_at_ms: int
    endpoint: str
    outcome: str
    reason: str


def pack_replay(captured: Fields, shadow: Answered | Unanswered) -> Fields:
    """Turn an outcome into stream fields; `captured` are the exchange's own fields, passed on as they came."""
    if isinstance(shadow, Unanswered):
        meta: dict[str, object] = {
            "error": shadow.error,
            "detail": shadow.detail,
            "attempts": shadow.attempts,
            "waited_ms": shadow.waited_ms,
            "at": shadow.replayed_at_ms,
            **_named(shadow.build),
        }
        return {**captured, keys.SHADOW_META: orjson.dumps(meta)}
    meta = {
        "status": shadow.answer.status,
        "headers": shadow.answer.headers,
        "latency_ms": shadow.answer.latency_ms,
        "latency_source": shadow.latency_source,
        "attempts": shadow.attempts,
        "at": shadow.replayed_at_ms,
        **_named(shadow.build),
    }
    if shadow.answer.body == captured[keys.RESPONSE]:
        return {**captured, keys.SHADOW_META: orjson.dumps({**meta, "same_body": True})}
    return {**captured, keys.SHADOW_META: orjson.dumps(meta), keys.SHADOW: shadow.answer.body}


def pack_loss(loss: Loss) -> Fields:
    """Turn a loss into stream fields, without bodies."""
    meta = {"launch": loss.launch, "at": loss.captured_at_ms, "endpoint": loss.endpoint}
    shadow_meta = {"outcome": loss.outcome, "reason": loss.reason}
    return {
        keys.V: VERSION,
        keys.ID: loss.id.encode(),
        keys.META: orjson.dumps(meta),
        keys.SHADOW_META: orjson.dumps(shadow_meta),
    }


def unpack_replay(fields: Fields) -> Replay | Loss:
    """Read a replay or a loss back from stream fields. Raises BadEntry when it is neither."""
    meta = read_meta(fields, keys.SHADOW_META)
    try:
        if "outcome" in meta:
            return _loss(fields, str(meta["outcome"]), str(meta["reason"])[:100])
        exchange = unpack_exchange(fields)
        if "error" in meta:
            return Replay(
                exchange,
                Unanswered(
                    error=ShadowErrorClass(meta["error"]),
                    detail=str(meta["detail"]),
                    attempts=int(meta["attempts"]),
                    waited_ms=as_latency(meta["waited_ms"]),
                    replayed_at_ms=captured_at_ms(meta),
                    build=_build(meta),
                ),
            )
        body = exchange.primary.body if meta.get("same_body") else fields[keys.SHADOW]
        answer = Answer(as_status(meta["status"]), as_headers(meta["headers"]), body, as_latency(meta["latency_ms"]))
        source = LatencySource(meta["latency_source"])
        return Replay(exchange, Answered(answer, source, int(meta["attempts"]), captured_at_ms(meta), _build(meta)))
    except KeyError as missing:
        raise BadEntry(f"the replay has no {missing}") from None
    except (TypeError, ValueError) as broken:
        raise BadEntry(f"the replay's shadow_meta is damaged: {broken}") from None


def _named(build: str) -> dict[str, str]:
    return {"build": build} if build else {}


def _build(meta: dict[str, Any]) -> str:
    build = meta.get("build", "")
    if not isinstance(build, str) or len(build) > BUILD_CHARS:
        raise BadEntry("the replay's build is not a text of at most 100 characters")
    return build


def _loss(fields: Fields, outcome: str, reason: str) -> Loss:
    if outcome not in ("dropped", "dead"):
        raise BadEntry(f"the replay's outcome is neither dropped nor dead: {outcome[:40]}")
    meta = read_meta(fields, keys.META)
    return Loss(exchange_id(fields), str(meta["launch"]), captured_at_ms(meta), str(meta["endpoint"]), outcome, reason)
