"""What is unpacked has the types that are annotated, whatever JSON made of it."""

import orjson
import pytest
from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.wire.exchange import (
    VERSION,
    Exchange,
    Request,
    Response,
    check_headers,
    read_meta,
    strip_secrets,
    unpack_exchange,
)
from darklaunch_shared.wire.replay import LatencySource, Replay, ShadowResponse, pack_replay, unpack_replay

from tests.support.pack_exchange import pack_exchange


def make_entry() -> dict[bytes, bytes]:
    request = Request("GET", "/", "http://shop", (("accept", "*/*"),), b"")
    response = Response(200, (("content-type", "text/plain"), ("etag", "x")), b"hi", 1.5)
    return pack_exchange(Exchange("abcd1234:7", "checkout", 1_763_900_000_000, "GET /", request, response))


def test_header_fields_of_an_exchange_are_tuples() -> None:
    exchange = unpack_exchange(make_entry())
    assert exchange.primary.headers == (("content-type", "text/plain"), ("etag", "x"))
    assert hash(exchange) == hash(unpack_exchange(make_entry()))


def test_header_fields_of_a_shadow_response_are_tuples() -> None:
    response = Response(200, (("etag", "x"), ("vary", "accept")), b"other", 1.0)
    packed = pack_replay(make_entry(), ShadowResponse(response, LatencySource.CLIENT, 1, 1_763_900_000_000))
    replay = unpack_replay(packed)
    assert isinstance(replay, Replay)
    assert isinstance(replay.shadow, ShadowResponse)
    assert replay.shadow.response == response
    assert hash(replay)


@pytest.mark.parametrize("value", [[["a", "1", "2"]], [["a"]], [[1, "a"]], [[["a"], ["b"]]], 7, None, ["abc"]])
def test_header_fields_of_another_shape_are_refused(value: object) -> None:
    with pytest.raises(BadEntry, match="header fields"):
        check_headers(value)


@pytest.mark.parametrize("raw", [b"[]", b'[["launch","x"]]', b'"text"', b"7", b"null"])
def test_meta_that_is_json_but_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(BadEntry, match="not a JSON object"):
        read_meta({keys.V: VERSION, keys.META: raw}, keys.META)


def test_a_meta_loses_its_secrets_and_nothing_else() -> None:
    plain = orjson.loads(make_entry()[keys.META])
    assert orjson.loads(strip_secrets(orjson.dumps({"sig": "k.00", **plain, "sealed": "k.AAAA"}))) == plain
