"""Replay entries to be masked, and what is masked of them."""

from darklaunch_comparator.masking import ExchangeMasker
from darklaunch_shared.wire.exchange import Exchange, Headers, Request, Response
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.replay import LatencySource, Replay, ShadowResponse, pack_replay, unpack_replay

from .pack_exchange import pack_exchange

MASKER = ExchangeMasker(b"salt" * 8)
JSON: Headers = (("content-type", "application/json"),)
FORM: Headers = (("content-type", "application/x-www-form-urlencoded"),)
HTML: Headers = (("content-type", "text/html"),)
AT_MS = 1_777_636_800_000


def build_entry(
    primary: bytes = b"{}",
    shadow: bytes = b"{}",
    *,
    types: Headers = JSON,
    shadow_types: Headers | None = None,
    request: bytes = b"",
    request_headers: Headers = (),
    target: str = "/",
) -> Fields:
    asked = Request("POST", target, "http://shop", request_headers, request)
    captured = Exchange("p:1", "x", AT_MS, "POST /", asked, Response(200, types, primary, 1.0))
    answer = Response(200, types if shadow_types is None else shadow_types, shadow, 1.0)
    return pack_replay(pack_exchange(captured), ShadowResponse(answer, LatencySource.CLIENT, 1, AT_MS))


def mask_entry(fields: Fields, masker: ExchangeMasker = MASKER) -> Replay:
    replay = unpack_replay(masker.mask_fields(fields))
    assert isinstance(replay, Replay)
    return replay


def mask_body(content: bytes, types: Headers = JSON, masker: ExchangeMasker = MASKER) -> bytes:
    return mask_entry(build_entry(content, types=types), masker).exchange.primary.body
