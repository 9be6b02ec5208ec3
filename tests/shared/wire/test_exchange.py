"""Exchanges survive the stream byte for byte, and what is not ours is named."""

import orjson
import pytest
from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.wire.exchange import (
    VERSION,
    Exchange,
    check_headers,
    read_meta,
    strip_secrets,
    unpack_exchange,
)
from hypothesis import given

from tests.support.entries import (
    exchanges,
    make_entry,
    make_entry_with_meta,
)
from tests.support.pack_exchange import pack_exchange


@given(exchanges)
def test_an_exchange_survives_the_stream(exchange: Exchange) -> None:
    assert unpack_exchange(pack_exchange(exchange)) == exchange


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "version"),
        ({b"hello": b"world"}, "version"),
        ({**make_entry(), keys.V: b"2"}, "version b'2'"),
        ({**make_entry(), keys.V: b"x" * 1_000_000}, "version"),
        ({**make_entry(), keys.META: b"{"}, "not JSON"),
        ({**make_entry(), keys.META: b"[1]"}, "not a JSON object"),
        ({**make_entry(), keys.META: b" " * 1_048_577}, "1,048,577 bytes, more than 1,048,576"),
        ({**make_entry(), keys.META: b"[" * 100_000}, "not JSON"),
        ({**make_entry(), keys.ID: b""}, "exchange id"),
        ({**make_entry(), keys.ID: b"a b:1"}, "exchange id"),
        ({**make_entry(), keys.ID: b"abc:-1"}, "exchange id"),
        ({**make_entry(), keys.ID: b"abc:" + b"9" * 5000}, "exchange id"),
        ({**make_entry(), keys.ID: "é:1".encode()}, "exchange id"),
        ({name: value for name, value in make_entry().items() if name != keys.REQUEST}, "request"),
        ({name: value for name, value in make_entry().items() if name != keys.META}, "no field meta"),
        (make_entry_with_meta(at=-1), "capture time"),
        (make_entry_with_meta(at="soon"), "capture time"),
        (make_entry_with_meta(at=10**15), "capture time"),
        (make_entry_with_meta(status=99999), "status"),
        (make_entry_with_meta(status=True), "status"),
        (make_entry_with_meta(latency_ms=-1), "latency"),
        (make_entry_with_meta(latency_ms="fast"), "latency"),
        (make_entry_with_meta(headers=[["a"]]), "header"),
        (make_entry_with_meta(headers=[["a", 1]]), "header"),
        (make_entry_with_meta(headers=[["a", "\u4e2d"]]), "header"),
        (make_entry_with_meta(headers=5), "header"),
        (make_entry_with_meta(target=5), "text"),
    ],
)
def test_what_is_not_ours_is_named(fields: dict[bytes, bytes], named: str) -> None:
    with pytest.raises(BadEntry, match=named) as caught:
        unpack_exchange(fields)
    assert len(str(caught.value)) < 300


def test_header_fields_of_an_exchange_are_tuples() -> None:
    exchange = unpack_exchange(make_entry())
    assert exchange.primary.headers == (("content-type", "text/plain"), ("etag", "x"))
    assert hash(exchange) == hash(unpack_exchange(make_entry()))


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
