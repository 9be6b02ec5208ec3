"""Masking: nothing secret stays, equal values still are equal, others still differ, and nothing makes it raise."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import orjson
import pytest
from darklaunch_comparator.compare import NO_RULES, ComparedResponse, ComparisonOutcome, compare
from darklaunch_comparator.masking import EVERYTHING, MASKED, BadMaskPlace, ExchangeMasker, MaskPlaces
from darklaunch_comparator.masking.credential_names import is_credential
from darklaunch_shared import keys
from darklaunch_shared.wire.exchange import Exchange, Headers, Request, Response
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.replay import (
    LatencySource,
    Replay,
    ShadowError,
    ShadowErrorClass,
    ShadowResponse,
    pack_replay,
    unpack_replay,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.pack_exchange import pack_exchange

MASKER = ExchangeMasker(b"salt" * 8)
JSON: Headers = (("content-type", "application/json"),)
FORM: Headers = (("content-type", "application/x-www-form-urlencoded"),)
HTML: Headers = (("content-type", "text/html"),)
AT_MS = 1_777_636_800_000


def entry(
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


def masked(fields: Fields, masker: ExchangeMasker = MASKER) -> Replay:
    replay = unpack_replay(masker.mask_fields(fields))
    assert isinstance(replay, Replay)
    return replay


def body(content: bytes, types: Headers = JSON, masker: ExchangeMasker = MASKER) -> bytes:
    return masked(entry(content, types=types), masker).exchange.primary.body


def outcome(replay: Replay) -> ComparisonOutcome:
    assert isinstance(replay.shadow, ShadowResponse)
    left = ComparedResponse(replay.exchange.primary, "http://shop", AT_MS)
    return compare("POST", left, ComparedResponse(replay.shadow.response, "http://shadow", AT_MS), NO_RULES).outcome


CREDENTIALS = """
password Password user_password newPassword password2 password_hash pwd secret client_secret clientSecret token
access_token accessToken accesstoken X-CSRF-Token csrfToken authorization Proxy-Authorization api_key apiKey
apikey X-API-Key private_key card_number cardNumber cardnumber creditCardNumber cvv cvc pin ssn iban session_id
sessionid credentials jwt signature X-Amz-Signature otp account_number
"""
OTHERS = """
token_type tokens max_tokens key keys id name passenger passed author authority card card_type number secretary
session signal pinned pink company opinion cookie_consent total_cents
"""


@pytest.mark.parametrize("name", CREDENTIALS.split())
def test_names_of_credentials_are_known(name: str) -> None:
    assert is_credential(name)


@pytest.mark.parametrize("name", OTHERS.split())
def test_other_names_are_left_alone(name: str) -> None:
    assert not is_credential(name)


def test_secrets_go_at_any_depth_and_everything_else_stays_byte_for_byte() -> None:
    came = (
        b'{"id": 1.50,  "user" : {"name":"Ada", "password":"hunter2", "n": 1e2, "a": 1, "a": 2,\n'
        b'"cards":[{"card_number": 4111111111111111, "cvv":"007"}], "credentials": {"key": "k", "deep": ["x", 7]}},'
        b'"token": null, "secret": true, "pin": ""}'
    )
    out = body(came)
    for secret in (b"hunter2", b"4111111111111111", b"007", b'"k"', b'"x"', b", 7]"):
        assert secret not in out
    kept = (
        b'{"id": 1.50,  "user" : {"name":"Ada"',
        b'"n": 1e2, "a": 1, "a": 2,\n',
        b'"token": null, "secret": true, "pin": ""}',
    )
    for part in kept:
        assert part in out
    told = json.loads(out)["user"]
    assert MASKED.fullmatch(told["password"])
    assert told["cards"][0]["card_number"].startswith("[masked:number:")
    assert body(b'{"a": 1}') == b'{"a": 1}'


def test_forms_queries_headers_and_cookies_are_masked() -> None:
    replay = masked(
        entry(
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


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("db password=hunter2 ok", "hunter2"),
        ("password: hunter2\nuser: ada", "hunter2"),
        ('{"password": "hunt er2", broken', "hunt er2"),
        ('{"password": "hunt er2', "hunt er2"),
        (r"log: {\"password\": \"hunter2\"}", "hunter2"),
        ("Authorization: Bearer abc.def.ghi", "abc.def.ghi"),
        ("<user><password>hunter2</password></user>", "hunter2"),
        ('<soap:Password type="x">hunter2</soap:Password>', "hunter2"),
        ('<input type="hidden" name="csrf_token" value="hunter2">', "hunter2"),
        ('<input value="hunter2" name="csrf_token">', "hunter2"),
        ('<meta name="csrf-token" content="hunter2" />', "hunter2"),
        ('<a href="/x?a=1&amp;token=hunter2">', "hunter2"),
    ],
)
def test_secrets_in_text_are_masked(text: str, secret: str) -> None:
    out = body(text.encode(), HTML).decode()
    assert secret not in out
    assert "[masked:" in out
    if not text.endswith("}"):
        assert body(out.encode(), HTML).decode() == out


def test_a_url_or_json_inside_a_json_string_is_masked() -> None:
    inner = json.dumps({"password": "hunter2"})
    out = body(orjson.dumps({"next": "https://x/?page=1&token=hunter2", "log": inner, "note": "a: b"}))
    assert b"hunter2" not in out
    assert json.loads(out)["note"] == "a: b"


def test_parts_of_a_multipart_form_are_masked() -> None:
    types: Headers = (("content-type", "multipart/form-data; boundary=B"),)
    came = b'--B\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\x00\r\n--B--'  # noqa: E501
    out = masked(entry(request=came, request_headers=types)).exchange.request.body
    assert b"hunter2" not in out
    assert out.endswith(came[came.index(b'name="a"') :])


def test_places_of_the_operator_are_masked_too() -> None:
    places = MaskPlaces.parse(["$.user.email", "$.items[*].sku", "$..phone", "header:x-tenant", "query:who"])
    masker = ExchangeMasker(b"s", places)
    came = orjson.dumps(
        {"user": {"email": {"home": "a@b"}, "name": "Ada"}, "items": [{"sku": 7, "n": 1}], "x": [{"phone": "555"}]}
    )
    out = json.loads(body(came, masker=masker))
    assert MASKED.fullmatch(out["user"]["email"]["home"]) and out["user"]["name"] == "Ada"
    assert MASKED.fullmatch(out["items"][0]["sku"]) and out["items"][0]["n"] == 1
    assert MASKED.fullmatch(out["x"][0]["phone"])
    replay = masked(entry(target="/?who=me&what=x", request_headers=(("x-tenant", "acme"),)), masker)
    assert "me&" not in replay.exchange.request.target and "what=x" in replay.exchange.request.target
    assert "acme" not in repr(replay.exchange.request.headers)
    lines: Headers = (("content-type", "application/x-ndjson"),)
    assert b"555" not in body(b'{"phone": "555"}\n{"phone": "555"}\n', lines, masker)
    with pytest.raises(BadMaskPlace, match="query:name"):
        MaskPlaces.parse(["email"])


def test_coded_bodies_are_masked_and_stored_without_their_coding() -> None:
    coded: Headers = (*JSON, ("content-encoding", "gzip"))
    same = gzip.compress(b'{"password": "hunter2", "n": 1}')
    replay = masked(entry(same, b'{"password": "hunter2", "n": 1}', types=coded, shadow_types=JSON))
    assert isinstance(replay.shadow, ShadowResponse)
    assert replay.exchange.primary.body == replay.shadow.response.body
    assert b"hunter2" not in replay.exchange.primary.body
    assert dict(replay.exchange.primary.headers) == dict(JSON)
    plain = gzip.compress(b'{"n": 1}')
    assert body(plain, coded) == plain, "without a secret in it, it stays as it came"
    for broken in (b"not gzip", gzip.compress(b"\0" * 9_000_000)):
        assert MASKED.fullmatch(body(broken, coded).decode()), "what cannot be looked into is withheld"


def test_other_charsets_are_masked_and_still_read() -> None:
    types: Headers = (("content-type", "application/json; charset=utf-16"),)
    replay = masked(entry('{"password": "häß", "n": "ü"}'.encode("utf-16"), types=types))
    assert json.loads(replay.exchange.primary.body)["n"] == "ü"
    assert "häß" not in replay.exchange.primary.body.decode("utf-8-sig")


def test_pictures_and_other_bytes_stay() -> None:
    came = b"\x89PNG password=hunter2 \xff"
    assert body(came, (("content-type", "image/png"),)) == came


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
    fields = entry(json.dumps(one).encode(), json.dumps(other, ensure_ascii=False, indent=1).encode("utf-8", "replace"))
    came = unpack_replay(fields)
    assert isinstance(came, Replay)
    assert outcome(masked(fields)) is outcome(came)


@settings(max_examples=40)
@given(DOCUMENTS)
def test_masking_twice_is_masking_once(document: Any) -> None:
    once = MASKER.mask_fields(entry(json.dumps(document).encode(), b"[]", target="/?token=a"))
    assert MASKER.mask_fields(once) == once


@settings(max_examples=100)
@given(st.binary(max_size=200), st.sampled_from([JSON, FORM, HTML, ()]), st.text(max_size=40))
def test_no_bytes_make_it_raise(content: bytes, types: Headers, text: str) -> None:
    came = entry(content, content[::-1], types=types, request=content, request_headers=types, target="/?" + text.encode("utf-8", "surrogatepass").decode("latin-1"))  # fmt: skip # noqa: E501
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
    out = body(content, types)
    assert time.process_time() - began < 4
    assert MASKER.mask_fields(entry(out, types=types))[keys.RESPONSE] == out or types is not JSON


def differences(*told: tuple[str, str, str | None, str | None], masker: ExchangeMasker = MASKER) -> list[Any]:
    found = [{"path": path, "kind": kind, "primary": one, "shadow": other} for path, kind, one, other in told]
    return [
        (one["primary"], one["shadow"]) for one in orjson.loads(masker.mask_differences(orjson.dumps(found).decode()))
    ]


def test_differences_show_the_tokens_that_the_bodies_show() -> None:
    out = json.loads(body(b'{"password": "hunter2", "pin": 1234}'))
    ((one, other), (pin, nothing)) = differences(
        ("$.user.password", "value", '"hunter2"', '"other"'), ("$.pin", "missing", "1234", None)
    )
    assert (one, pin, nothing) == (f'"{out["password"]}"', f'"{out["pin"]}"', None)
    assert other != one and "other" not in other


@pytest.mark.parametrize(
    ("path", "kind", "shown"),
    [
        ("$.user", "missing", '{"name": "Ada", "password": "hunter2"}'),
        ("$.user", "missing", '{"name": "Ada", "password": "hunter2…'),
        ("$.users", "size", '3 elements, only here: {"password": "hunter2"}'),
        ("$", "text", 'line 3: "x password=hunter2 y"'),
        ("$", "type", 'not JSON: {"password": "hunter2'),
        ("$.url", "value", '"https://x/?token=hunter2"'),
        ("$.url", "value", '…"Rhunter2aaaaaaaaaaaaaaaaaaa&x=1"'),
        ("$.user['pass…#12ab", "value", '"hunter2"'),
        ("header:location", "header", "/cb?token=hunter2"),
        ("header:x-api-key", "header", "hunter2"),
        ("shadow", "timeout", "GET http://x/?token=hunter2 timed out"),
    ],
)
def test_secrets_in_differences_are_masked(path: str, kind: str, shown: str) -> None:
    ((one, other),) = differences((path, kind, shown, shown))
    assert "hunter2" not in one and one == other and "[masked:" in one


def test_differences_that_hold_no_secret_stay() -> None:
    told = [
        ("$.total", "value", "1", '"two: 3"'),
        ("status", "status", "200", "500"),
        ("latency", "slow", "1 ms", "3 s"),
    ]
    assert differences(*told) == [(one, other) for _, _, one, other in told]


def test_what_lies_below_a_difference_is_masked_where_the_operator_wants_it() -> None:
    masker = ExchangeMasker(b"s", MaskPlaces.parse(["$.user.email", "$.user.*.phone"]))
    shown = differences(
        ("$.user", "missing", '{"email": "a@b"}', None), ("$.user.email", "value", '"a@b"', "null"),
        ("$.user", "type", '{"x": {"phone": 5}}', '"none"'), ("$.other", "value", '"a@b"', "1"), masker=masker,
    )  # fmt: skip
    assert "a@b" not in repr(shown[:2]) and "phone" not in repr(shown[2])
    assert shown[1][1] == "null" and shown[2][1] == '"none"' and shown[3] == ('"a@b"', "1")


def test_made_up_identifiers_are_excused_before_masking_and_after() -> None:
    one, other = "0b9c6f1e-5b0a-4f6e-9a55-2f1f3c1d7a10", "f47ac10b-58cc-4372-a567-0e02b2c3d479"
    excused = entry(orjson.dumps({"access_token": f"s.{one}"}), orjson.dumps({"access_token": f"s.{other}"}))
    assert outcome(masked(excused)) is ComparisonOutcome.MATCHED
    shaped_otherwise = entry(orjson.dumps({"access_token": one}), orjson.dumps({"access_token": "a" + other}))
    assert outcome(masked(shaped_otherwise)) is ComparisonOutcome.MISMATCHED


def test_another_salt_gives_other_tokens() -> None:
    came = b'{"password": "hunter2"}'
    assert body(came) == body(came) != body(came, masker=ExchangeMasker(b"other"))


def test_what_a_shadow_error_says_is_masked() -> None:
    captured = pack_exchange(
        Exchange("p:1", "x", AT_MS, "GET /", Request("GET", "/", "http://s", (), b""), Response(200, JSON, b"{}", 1.0))
    )
    failed = ShadowError(ShadowErrorClass.RESET, "GET /?token=hunter2: reset", 1, 5.0, AT_MS)
    replay = masked(pack_replay(captured, failed))
    assert isinstance(replay.shadow, ShadowError) and "hunter2" not in replay.shadow.detail


@pytest.mark.parametrize("types", [JSON, FORM, HTML, (("content-type", "image/png"),)])
def test_no_value_is_stored_where_it_is_not_known_what_to_mask(types: Headers):
    every = ExchangeMasker(b"salt" * 8, EVERYTHING)
    asked: Headers = (("x-user", "Ada"), ("content-type", "text/plain"))
    told = masked(
        entry(b'{"name":"Ada"}', b"name=Ada", types=types, request=b"who=Ada", request_headers=asked, target="/?q=Ada"),
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
    fields = entry()
    meta = {**orjson.loads(fields[keys.META]), "sealed": "k1.AAAA"}
    assert b"sealed" not in MASKER.mask_fields({**fields, keys.META: orjson.dumps(meta)})[keys.META]
