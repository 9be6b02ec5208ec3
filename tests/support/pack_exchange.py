"""Exchanges as stream fields, packed from values. The hook packs them piece by piece as they come."""

from darklaunch_shared import keys
from darklaunch_shared.wire.exchange import VERSION, Exchange, pack_http_meta, pack_meta
from darklaunch_shared.wire.fields import Fields


def pack_exchange(exchange: Exchange) -> Fields:
    """Return an exchange as the fields of a stream entry."""
    request, primary = exchange.request, exchange.primary
    http_meta = pack_http_meta(
        request.method, request.target, request.origin, request.headers,
        primary.status, primary.headers, primary.latency_ms, exchange.redacted,
    )  # fmt: skip
    return {
        keys.V: VERSION,
        keys.ID: exchange.id.encode(),
        keys.META: pack_meta(exchange.launch, exchange.captured_at_ms, exchange.endpoint, http_meta, exchange.sealed),
        keys.REQUEST: request.body,
        keys.RESPONSE: primary.body,
    }
