"""Bytes that nobody meant: whatever they are, they are read or named, and never crash a part.

The default is short; CONTRIBUTING.md has the command that goes on for ten minutes with each of the two, or as many
seconds as FUZZ_S says.
"""

from __future__ import annotations

import gzip
import os
import time
import zlib
from collections.abc import Callable
from contextlib import suppress

import orjson
import pytest
from darklaunch_comparator.pipeline.assess import assess_entry, compile_launch_rules
from darklaunch_shared import keys
from darklaunch_shared.crypto.keyring import parse_keys
from darklaunch_shared.crypto.signing import check_signature
from darklaunch_shared.errors import BadEntry, BadLaunch
from darklaunch_shared.launch.spec import LaunchSpec, parse_state
from darklaunch_shared.wire.dead_letter import pack_dead_letter, pack_dead_notice, unpack_dead_letter
from darklaunch_shared.wire.exchange import Exchange, Request, Response, unpack_exchange
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.replay import LatencySource, ShadowResponse, pack_replay, unpack_replay
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.pack_exchange import pack_exchange

SLOW_S = float(os.environ.get("FUZZ_S", "600"))
RING = parse_keys("k:" + "A" * 43 + "=")
RULES = compile_launch_rules(LaunchSpec("http://shadow"))
GOOD = pack_replay(
    pack_exchange(
        Exchange("abcd1234:7", "shop", 1_763_900_000_000, "GET /", Request("GET", "/", "http://a", (), b""),
                 Response(200, (("content-type", "application/json"),), b"{}", 1.0))
    ),
    ShadowResponse(Response(200, (), b"{}", 1.0), LatencySource.CLIENT, 1, 1_763_900_000_100),
)  # fmt: skip

odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.just(2**64), st.just("\0"),
    st.lists(st.one_of(st.integers(), st.text(max_size=5), st.lists(st.text(max_size=5), max_size=3)), max_size=4),
)  # fmt: skip
members = [
    *orjson.loads(GOOD[keys.META]), *orjson.loads(GOOD[keys.SHADOW_META]),
    "sig", "sealed", "outcome", "reason", "error", "detail", "waited_ms", "same_body", "build", "version",
]  # fmt: skip
changed = st.dictionaries(st.sampled_from(members), odd, max_size=4)


def as_json(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # what JSON cannot hold
        return b"{}"


@st.composite
def entries(draw: st.DrawFn) -> Fields:
    """An entry as strangers write them: noise, or a good one with some of it replaced, left out, cut or flipped."""
    fields = dict(GOOD)
    for name in (keys.META, keys.SHADOW_META):
        fields[name] = as_json({**orjson.loads(fields[name]), **draw(changed)})
    for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=2)):
        how = draw(st.sampled_from(["noise", "absent", "cut", "flip"]))
        value = fields[name]
        if how == "absent":
            del fields[name]
            break
        at = draw(st.integers(0, max(0, len(value) - 1)))
        fields[name] = {
            "noise": draw(st.binary(max_size=60)),
            "cut": value[:at],
            "flip": value[:at] + draw(st.binary(min_size=1, max_size=3)) + value[at + 1 :],
        }[how]
    return {**fields, **draw(st.dictionaries(st.binary(max_size=5), st.binary(max_size=20), max_size=2))}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)
texts = st.one_of(
    st.binary(max_size=200),
    json_values.map(as_json),
    json_values.map(as_json).map(lambda text: text[: len(text) // 2]),
    st.text(max_size=60).map(lambda text: text.encode("utf-16", "surrogatepass")),
    st.text(alphabet='{}[]",:0123456789eE+-.\\unltrf \n', max_size=80).map(str.encode),
    st.text(alphabet="<>/=ab \"'!-&;", max_size=80).map(str.encode),
)
bodies = st.one_of(
    texts, texts.map(gzip.compress), texts.map(zlib.compress), texts.map(gzip.compress).map(lambda body: body[:-5])
)
kinds = st.sampled_from([
    "application/json", "application/json; charset=utf-16", "text/html", "text/plain; charset=klingon", "text/csv", "",
    "application/x-ndjson", "application/x-www-form-urlencoded", "image/png", "application/xml", "multipart/mixed",
    "application/problem+json", ";;", "text/plain; charset=\"",
])  # fmt: skip
codings = st.sampled_from(["", "gzip", "deflate", "br", "zstd", "gzip, gzip", "identity", "rot13", ","])


@st.composite
def answers(draw: st.DrawFn) -> Response:
    headers = [("content-type", draw(kinds))] if draw(st.booleans()) else []
    if coding := draw(codings):
        headers.append(("content-encoding", coding))
    noise = st.sampled_from(["set-cookie", "cache-control", "location", "link", "vary", "etag", "www-authenticate"])
    headers += draw(st.lists(st.tuples(noise, st.text(st.characters(max_codepoint=255), max_size=20)), max_size=3))
    return Response(draw(st.integers(100, 999)), tuple(headers), draw(bodies), draw(st.floats(0, 86_400_000)))


def read_an_entry(fields: Fields) -> None:
    for read in (unpack_exchange, unpack_replay, lambda it: check_signature(it, RING)):
        with suppress(BadEntry):
            read(fields)
    with suppress(BadEntry):
        assess_entry("shop", fields, RULES)
    buried = pack_dead_letter(fields, "why", "workers", 1, 1)
    unpack_dead_letter(buried)
    pack_dead_notice(fields, "1763900000000-0", "shop")
    with suppress(BadLaunch):
        parse_state("shop", fields)


def compare_two(method: str, primary: Response, shadow: Response) -> None:
    captured = Exchange(
        "abcd1234:7", "shop", 1_763_900_000_000, "GET /", Request(method, "/", "http://a", (), b""), primary
    )
    fields = pack_replay(pack_exchange(captured), ShadowResponse(shadow, LatencySource.CLIENT, 1, 1_763_900_000_100))
    found = assess_entry("shop", fields, RULES)
    assert found.outcome in ("matched", "mismatched", "ignored", "unverified")
    assert not (found.reason or "").startswith("comparator error"), found.reason


methods = st.sampled_from(["GET", "HEAD", "POST"])
QUICK = settings(max_examples=250, suppress_health_check=list(HealthCheck))


@QUICK
@given(entries())
def test_any_entry_is_read_or_named(fields: Fields) -> None:
    read_an_entry(fields)


@QUICK
@given(methods, answers(), answers())
def test_any_two_bodies_are_compared(method: str, primary: Response, shadow: Response) -> None:
    compare_two(method, primary, shadow)


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("name", "strategies", "check"),
    [("entries", (entries(),), read_an_entry), ("bodies", (methods, answers(), answers()), compare_two)],
    ids=["entries", "bodies"],
)
def test_minutes_of_it(
    name: str, strategies: tuple[st.SearchStrategy[object], ...], check: Callable[..., None]
) -> None:
    give_up, tried = time.monotonic() + SLOW_S, 0
    fresh = settings(
        max_examples=500, database=None, phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip

    @fresh
    @given(st.tuples(*strategies))
    def attempt(values: tuple[object, ...]) -> None:
        nonlocal tried
        tried += 1
        check(*values)

    while time.monotonic() < give_up:
        attempt()
    print(f"{name}: {tried:,} tried in {SLOW_S:g} s")
