"""Tokens of several parts are judged whole: by their payload where it can be read, by their form where it cannot."""

import hmac
import json
import random
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha1, sha256

import pytest
from darklaunch_comparator.compare import ComparedResponse, ExcuseReason
from darklaunch_comparator.compare.signed_tokens import is_signed_token
from darklaunch_comparator.compare.volatile import VolatileValues
from darklaunch_shared.wire.exchange import Response
from hypothesis import given
from hypothesis import strategies as st

NOW_S = 1_714_564_800
KEYS = random.Random(1)


def explain(primary: str, shadow: str) -> tuple[ExcuseReason, ...]:
    sides = [ComparedResponse(Response(200, (), b"", 1.0), "", NOW_S * 1_000 + at_ms) for at_ms in (0, 900)]
    return VolatileValues(*sides).explain_texts(primary, shadow)


def encode(payload: object) -> str:
    return urlsafe_b64encode(json.dumps(payload, separators=(",", ":")).encode()).rstrip(b"=").decode()


def sign(text: str, digest: str = "sha256") -> str:
    return urlsafe_b64encode(hmac.digest(b"key", text.encode(), digest)).rstrip(b"=").decode()


def jwt(**claims: object) -> str:
    text = f"{encode({'alg': 'HS256', 'typ': 'JWT'})}.{encode(claims)}"
    return f"{text}.{sign(text)}"


def itsdangerous(payload: object, at_s: int) -> str:
    stamp = urlsafe_b64encode(at_s.to_bytes(4)).rstrip(b"=").decode()
    text = f"{encode(payload)}.{stamp}"
    return f"{text}.{sign(text, 'sha1')}"


@given(st.integers(0, 2**160 - 1), st.integers(0, 2**160 - 1))
def test_a_token_with_a_random_payload_is_excused_whatever_it_draws(first: int, second: int) -> None:
    digests = [sha1(b"%d" % number).hexdigest() for number in (first, second)]

    tokens = [itsdangerous(digest, NOW_S + at) for at, digest in enumerate(digests)]

    assert explain(*tokens) == (ExcuseReason.GENERATED_ID,)
    assert explain(*[f'<input name="csrf_token" value="{token}">' for token in tokens]) == (ExcuseReason.GENERATED_ID,)


@given(st.dictionaries(st.sampled_from(["sub", "role", "scope"]), st.integers(0, 9), min_size=1), st.integers(1, 9))
def test_no_token_with_another_claim_is_excused(claims: dict[str, int], more: int) -> None:
    name = sorted(claims)[0]
    changed = {**claims, name: claims[name] + more}

    assert explain(jwt(**claims, iat=NOW_S), jwt(**claims, iat=NOW_S + 1)) == (ExcuseReason.GENERATED_ID,)
    assert explain(jwt(**claims, iat=NOW_S), jwt(**changed, iat=NOW_S + 1)) == ()
    assert explain(itsdangerous(claims, NOW_S), itsdangerous(changed, NOW_S + 1)) == ()
    assert explain(f"Bearer {jwt(**claims)} issued", f"Bearer {jwt(**changed)} issued") == ()


def test_a_token_that_lost_a_claim_its_signature_or_a_part_is_not_excused() -> None:
    token = jwt(sub=1, iat=NOW_S)

    assert explain(token, jwt(sub=1)) == ()
    assert explain(token, token.rpartition(".")[0] + "." + "A" * 43) == ()
    assert explain(token, token.rpartition(".")[0]) == ()
    assert explain(token, token.replace(".", ":")) == ()


def test_a_payload_that_nests_deep_or_differs_widely_is_not_looked_through() -> None:
    deep: object = 1
    for _ in range(200):
        deep = [deep]

    assert explain(jwt(a=deep, jti="x" * 9), jwt(a=[deep], jti="x" * 9)) == ()
    many = {f"k{number}": KEYS.randbytes(16).hex() for number in range(50)}
    assert explain(jwt(**many), jwt(**{name: KEYS.randbytes(16).hex() for name in many})) == ()


@pytest.mark.parametrize(
    "text",
    [
        "example.org",
        "www.shop.example.co.uk",
        "/static/app.9f86d081884c7d659a2feaa0c55ad015.js",
        "com.example.shop.CheckoutController.handle",
        "10.0.3.7:8000",
        "2024-05-01T12:00:00.000Z",
        "",
        "." * 100,
        b64encode(sha256(b"").digest()).decode(),
    ],
)
def test_names_and_paths_with_dots_are_no_tokens(text: str) -> None:
    assert not is_signed_token(text) or explain(text, text[:-1] + "x") == ()
