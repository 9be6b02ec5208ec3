"""Masking: nothing secret stays, equal values still are equal, others still differ, and nothing makes it raise."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import orjson
import pytest
from darklaunch_comparator.compare import NO_RULES, ComparedResponse, ComparisonOutcome, compare
from darklaunch_comparator.masking import EVERYTHING, MASKED, ExchangeMasker
from darklaunch_shared import keys
from darklaunch_shared.wire.exchange import Exchange, Headers, Request, Response
from darklaunch_shared.wire.replay import (
    Replay,
    ShadowError,
    ShadowErrorClass,
    ShadowResponse,
    pack_replay,
    unpack_replay,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.masking import AT_MS, FORM, HTML, JSON, MASKER, build_entry, mask_body, mask_entry
from tests.support.pack_exchange import pack_exchange


def outcome(replay: Replay) -> ComparisonOutcome:
    assert isinstance(replay.shadow, ShadowResponse)
    left = ComparedResponse(replay.exchange.primary, "http://shop", AT_MS)
    return compare("POST", left, ComparedResponse(replay.shadow.response, "http://shadow", AT_MS), NO_RULES).outcome


def test_forms_queries_headers_and_cookies_are_masked() -> None:
    replay = mask_entry(
        build_entry(
            request=b"user=ada&password=hunter2&next=%2Fa%3Ftoken%3Dabc123%26x%3D1&card[cvv]=123",
            request_headers=(*FORM, ("x-my-api-key", "k-12345"), ("cookie", "sid=s3cret; theme=dark")),
            target="/login?access_token=t0ps3cret&page=2&q=a%20b",
            shadow_types=(
                *JSON,
                ("set-cookie", "sid=s3cret; Path=/; HttpOnly"),
                ("location", "/cb?code=1&token=abc123"),
            ),
        )
    )
    request = replay.exchange.request
    assert isinstance(replay.shadow, ShadowResponse)
    everything = repr((request, replay.shadow.response.headers))
    for secret in ("hunter2", "abc123", "k-12345", "s3cret", "t0ps3cret", "dark", "=123"):
        assert secret not in everything
    assert request.body.startswith(b"user=ada&password=[masked:")
    assert request.target.startswith("/login?access_token=[masked:") and request.target.endswith("]&page=2&q=a%20b")
    assert " " not in request.target
    cookie = dict(replay.shadow.response.headers)["set-cookie"]
    assert cookie.startswith("sid=[masked:") and cookie.endswith("; Path=/; HttpOnly")
    assert dict(replay.shadow.response.headers)["location"].startswith("/cb?code=1&token=[masked:")


def test_coded_bodies_are_masked_and_stored_without_their_coding() -> None:
    coded: Headers = (*JSON, ("content-encoding", "gzip"))
    same = gzip.compress(b'{"password": "hunter2", "n": 1}')
    replay = mask_entry(build_entry(same, b'{"password": "hunter2", "n": 1}', types=coded, shadow_types=JSON))
    assert isinstance(replay.shadow, ShadowResponse)
    assert replay.exchange.primary.body == replay.shadow.response.body
    assert b"hunter2" not in replay.exchange.primary.body
    assert dict(replay.exchange.primary.headers) == dict(JSON)
    plain = gzip.compress(b'{"n": 1}')
    assert mask_body(plain, coded) == plain, "without a secret in it, it stays as it came"
    for broken in (b"not gzip", gzip.compress(b"\0" * 9_000_000)):
        assert MASKED.fullmatch(mask_body(broken, coded).decode()), "what cannot be looked into is withheld"


def test_other_charsets_are_masked_and_still_read() -> None:
    types: Headers = (("content-type", "application/json; charset=utf-16"),)
    replay = mask_entry(build_entry('{"password": "häß", "n": "ü"}'.encode("utf-16"), types=types))
    assert json.loads(replay.exchange.primary.body)["n"] == "ü"
    assert "häß" not in replay.exchange.primary.body.decode("utf-8-sig")


def test_pictures_and_other_bytes_stay() -> None:
    came = b"\x89PNG password=hunter2 \xff"
    assert mask_body(came, (("content-type", "image/png"),)) == came


VALUES = st.one_of(
    st.text(max_size=20),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.lists(st.text(max_size=3), max_size=2),
)


DOCUMENTS = st.recursive(
    VALUES,
    lambda inner: st.dictionaries(st.sampled_from(["password", "a", "b", "token"]), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80)
@given(DOCUMENTS, DOCUMENTS, st.booleans())
def test_what_is_equal_stays_equal_and_what_differs_still_differs(one: Any, other: Any, same: bool) -> None:
    other = one if same else other
    fields = build_entry(
        json.dumps(one).encode(), json.dumps(other, ensure_ascii=False, indent=1).encode("utf-8", "replace")
    )
    came = unpack_replay(fields)
    assert isinstance(came, Replay)
    assert outcome(mask_entry(fields)) is outcome(came)


@settings(max_examples=40)
@given(DOCUMENTS)
def test_masking_twice_is_masking_once(document: Any) -> None:
    once = MASKER.mask_fields(build_entry(json.dumps(document).encode(), b"[]", target="/?token=a"))
    assert MASKER.mask_fields(once) == once


@settings(max_examples=100)
@given(st.binary(max_size=200), st.sampled_from([JSON, FORM, HTML, ()]), st.text(max_size=40))
def test_no_bytes_make_it_raise(content: bytes, types: Headers, text: str) -> None:
    came = build_entry(content, content[::-1], types=types, request=content, request_headers=types, target="/?" + text.encode("utf-8", "surrogatepass").decode("latin-1"))  # fmt: skip # noqa: E501
    assert MASKER.mask_fields(MASKER.mask_fields(came)) == MASKER.mask_fields(came)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000 + b'{"password":"x"}',
        b'{"a":' * 100_000,
        b'{"password": "' + b"\\ud800" * 10 + b'"}',
        b'{"password": ' + b"9" * 5000 + b"}",
        b'{"password": 1e999999999999}',
        b'{"password": "' + b"a" * 1_000_000,
        b'{"password' + b"\\" * 100_001,
        b'"' * 100_001,
        b"password=" * 100_000,
        b"password" * 100_000,
        b"a[" * 50_000 + b"password=x",
        b"<" * 100_000 + b"password",
        b'<input name="a" ' * 5_000 + b"token",
        b'name="token"\r\n' * 20_000,
        b'{"token": "\xff\xfe\x00"}',
        ("{" + ",".join(f'"k{n}": {n}' for n in range(20_000)) + ', "token": "x"}').encode(),
    ],
    ids=lambda content: content[:12].decode("latin-1"),
)
@pytest.mark.parametrize("types", [JSON, HTML, FORM], ids=["json", "html", "form"])
def test_hostile_bodies_take_bounded_time(content: bytes, types: Headers) -> None:
    began = time.process_time()
    out = mask_body(content, types)
    assert time.process_time() - began < 4
    assert MASKER.mask_fields(build_entry(out, types=types))[keys.RESPONSE] == out or types is not JSON


def test_what_a_shadow_error_says_is_masked() -> None:
    captured = pack_exchange(
        Exchange("p:1", "x", AT_MS, "GET /", Request("GET", "/", "http://s", (), b""), Response(200, JSON, b"{}", 1.0))
    )
    failed = ShadowError(ShadowErrorClass.RESET, "GET /?token=hunter2: reset", 1, 5.0, AT_MS)
    replay = mask_entry(pack_replay(captured, failed))
    assert isinstance(replay.shadow, ShadowError) and "hunter2" not in replay.shadow.detail


@pytest.mark.parametrize("types", [JSON, FORM, HTML, (("content-type", "image/png"),)])
def test_no_value_is_stored_where_it_is_not_known_what_to_mask(types: Headers) -> None:
    every = ExchangeMasker(b"salt" * 8, EVERYTHING)
    asked: Headers = (("x-user", "Ada"), ("content-type", "text/plain"))
    told = mask_entry(
        build_entry(
            b'{"name":"Ada"}', b"name=Ada", types=types, request=b"who=Ada", request_headers=asked, target="/?q=Ada"
        ),
        every,
    )
    assert b"Ada" not in repr(told).encode()
    assert told.exchange.request.target.startswith("/?[masked:")
    assert dict(told.exchange.request.headers)["content-type"] == "text/plain"
    assert dict(told.exchange.primary.headers) == dict(types)
    assert isinstance(told.shadow, ShadowResponse)
    assert told.shadow.response.body != told.exchange.primary.body
    found = [
        {"path": "$.name", "kind": "value", "primary": '"Ada"', "shadow": "null"},
        {"path": "header:x-user", "kind": "value", "primary": "Ada", "shadow": "Bob"},
        {"path": "text", "kind": "text", "primary": "Ada", "shadow": "Bob"},
        {"path": "status", "kind": "status", "primary": "200", "shadow": "500"},
    ]
    shown = every.mask_differences(json.dumps(found))
    assert "Ada" not in shown
    assert "Bob" not in shown
    assert json.loads(shown)[3]["shadow"] == "500"


def test_nothing_of_what_was_sealed_is_stored() -> None:
    fields = build_entry()
    meta = {**orjson.loads(fields[keys.META]), "sealed": "k1.AAAA"}
    assert b"sealed" not in MASKER.mask_fields({**fields, keys.META: orjson.dumps(meta)})[keys.META]
