"""Entries of streams: one that is well-formed, and strategies for all that may travel."""

from __future__ import annotations

import orjson
from darklaunch_shared import keys
from darklaunch_shared.wire.exchange import Exchange, Request, Response
from darklaunch_shared.wire.replay import LatencySource, ShadowError, ShadowErrorClass, ShadowResponse
from hypothesis import strategies as st

from tests.support.pack_exchange import pack_exchange

latin1 = st.text(st.characters(max_codepoint=255), max_size=30)
headers = st.lists(st.tuples(latin1, latin1), max_size=5).map(tuple)
latencies = st.floats(0, 86_400_000)
responses = st.builds(Response, st.integers(100, 999), headers, st.binary(max_size=200), latencies)
requests = st.builds(Request, latin1, latin1, latin1, headers, st.binary(max_size=200))
ids = st.builds("{}:{}".format, st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=8, max_size=8), st.integers(1))
times = st.integers(946_684_800_000, 32_503_680_000_000 - 1)
exchanges = st.builds(Exchange, ids.filter(lambda text: len(text) < 27), latin1, times, latin1, requests, responses)
builds = st.text(max_size=100)
times_taken = st.none() | latencies
shadow_responses = st.builds(
    ShadowResponse,
    responses,
    st.sampled_from(LatencySource),
    st.integers(1, 9),
    times,
    builds,
    client_ms=times_taken,
    floor_ms=times_taken,
)
shadow_errors = st.builds(
    ShadowError, st.sampled_from(ShadowErrorClass), latin1, st.integers(1, 9), latencies, times, builds
)


def make_entry() -> dict[bytes, bytes]:
    """Return an entry of the stream of exchanges."""
    request = Request("GET", "/", "http://shop", (("accept", "*/*"),), b"")
    response = Response(200, (("content-type", "text/plain"), ("etag", "x")), b"hi", 1.5)
    return pack_exchange(Exchange("abcd1234:7", "checkout", 1_763_900_000_000, "GET /", request, response))


def make_entry_with_meta(**changes: object) -> dict[bytes, bytes]:
    """Return the same entry with other members in its `meta`."""
    entry = make_entry()
    return {**entry, keys.META: orjson.dumps({**orjson.loads(entry[keys.META]), **changes})}
