"""What travels survives the stream byte for byte, and what is not ours is named."""

import orjson
import pytest
from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.wire.dead_letter import MAX_BYTES, pack_dead_letter, pack_dead_notice, unpack_dead_letter
from darklaunch_shared.wire.exchange import Exchange, Request, Response, unpack_exchange
from darklaunch_shared.wire.replay import (
    LatencySource,
    NoiseReplay,
    Replay,
    ReplayedVersion,
    ShadowError,
    ShadowErrorClass,
    ShadowResponse,
    UnreplayedExchange,
    pack_replay,
    pack_unreplayed,
    unpack_replay,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pack_exchange import pack_exchange

latin1 = st.text(st.characters(max_codepoint=255), max_size=30)
headers = st.lists(st.tuples(latin1, latin1), max_size=5).map(tuple)
latencies = st.floats(0, 86_400_000)
answers = st.builds(Response, st.integers(100, 999), headers, st.binary(max_size=200), latencies)
requests = st.builds(Request, latin1, latin1, latin1, headers, st.binary(max_size=200))
ids = st.builds("{}:{}".format, st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=8, max_size=8), st.integers(1))
times = st.integers(946_684_800_000, 32_503_680_000_000 - 1)
exchanges = st.builds(Exchange, ids.filter(lambda text: len(text) < 27), latin1, times, latin1, requests, answers)
builds = st.text(max_size=100)
times_taken = st.none() | latencies
answered = st.builds(
    ShadowResponse,
    answers,
    st.sampled_from(LatencySource),
    st.integers(1, 9),
    times,
    builds,
    client_ms=times_taken,
    floor_ms=times_taken,
)
unanswered = st.builds(
    ShadowError, st.sampled_from(ShadowErrorClass), latin1, st.integers(1, 9), latencies, times, builds
)


@given(exchanges)
def test_an_exchange_survives_the_stream(exchange: Exchange) -> None:
    assert unpack_exchange(pack_exchange(exchange)) == exchange


@given(exchanges, st.one_of(answered, unanswered))
def test_a_replay_survives_the_stream(exchange: Exchange, shadow: ShadowResponse | ShadowError) -> None:
    assert unpack_replay(pack_replay(pack_exchange(exchange), shadow)) == Replay(exchange, shadow)


@given(exchanges, answers, times)
def test_equal_bodies_travel_once(exchange: Exchange, answer: Response, at: int) -> None:
    same = Response(answer.status, answer.headers, exchange.primary.body, answer.latency_ms)
    packed = pack_replay(pack_exchange(exchange), ShadowResponse(same, LatencySource.CLIENT, 1, at))
    assert keys.SHADOW not in packed
    assert unpack_replay(packed) == Replay(exchange, ShadowResponse(same, LatencySource.CLIENT, 1, at))


@given(exchanges, answered, st.sampled_from(ReplayedVersion), st.one_of(answered, unanswered))
def test_a_second_answer_survives_the_stream(
    exchange: Exchange, shadow: ShadowResponse, version: ReplayedVersion, outcome: ShadowResponse | ShadowError
) -> None:
    repeat = NoiseReplay(version, outcome)
    packed = pack_replay(pack_exchange(exchange), shadow, repeat)
    assert unpack_replay(packed) == Replay(exchange, shadow, repeat)
    older = {name: value for name, value in packed.items() if name not in (keys.CONTROL_META, keys.CONTROL)}
    assert older == pack_replay(pack_exchange(exchange), shadow)  # what a reader without the baseline sees of it


@given(exchanges, answered, st.sampled_from(ReplayedVersion))
def test_a_second_answer_with_the_first_ones_body_travels_without_it(
    exchange: Exchange, shadow: ShadowResponse, version: ReplayedVersion
) -> None:
    body = exchange.primary.body if version is ReplayedVersion.PRIMARY else shadow.response.body
    second = ShadowResponse(Response(200, (), body, 1.0), LatencySource.CLIENT, 1, shadow.replayed_at_ms)
    packed = pack_replay(pack_exchange(exchange), shadow, NoiseReplay(version, second))
    assert keys.CONTROL not in packed
    assert unpack_replay(packed) == Replay(exchange, shadow, NoiseReplay(version, second))


@pytest.mark.parametrize(
    "meta", [b"", b"{", b"[]", b"{}", b'{"version":"primary"}', b'{"version":"third","error":"reset"}']
)
def test_a_second_answer_that_cannot_be_read_costs_the_exchange_nothing(meta: bytes) -> None:
    shadow = ShadowResponse(Response(200, (), b"hi", 1.0), LatencySource.CLIENT, 1, 1_763_900_000_000)
    packed = pack_replay(entry(), shadow)
    assert unpack_replay({**packed, keys.CONTROL_META: meta}) == unpack_replay(packed)


@pytest.mark.parametrize("source", LatencySource)
def test_the_workers_own_time_is_known_beside_the_apps(source: LatencySource) -> None:
    client_ms = 12.5 if source is LatencySource.SERVER_TIMING else None
    shadow = ShadowResponse(Response(200, (), b"hi", 7.0), source, 1, 1_763_900_000_000, client_ms=client_ms)
    assert shadow.worker_ms == (client_ms or 7.0)
    older = ShadowResponse(Response(200, (), b"hi", 7.0), source, 1, 1_763_900_000_000)
    assert older.worker_ms == (7.0 if source is LatencySource.CLIENT else None)


def test_a_loss_survives_the_stream_without_bodies() -> None:
    loss = UnreplayedExchange("abcd1234:7", "checkout", 1_763_900_000_000, "GET /", "dropped", "stale")
    packed = pack_unreplayed(loss)
    assert unpack_replay(packed) == loss
    assert keys.REQUEST not in packed


def entry() -> dict[bytes, bytes]:
    answer = Response(200, (("content-type", "text/plain"),), b"hi", 1.5)
    request = Request("GET", "/", "http://shop", (), b"")
    return pack_exchange(Exchange("abcd1234:7", "checkout", 1_763_900_000_000, "GET /", request, answer))


def with_meta(**changes: object) -> dict[bytes, bytes]:
    good = entry()
    return {**good, keys.META: orjson.dumps({**orjson.loads(good[keys.META]), **changes})}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "version"),
        ({b"hello": b"world"}, "version"),
        ({**entry(), keys.V: b"2"}, "version b'2'"),
        ({**entry(), keys.V: b"x" * 1_000_000}, "version"),
        ({**entry(), keys.META: b"{"}, "not JSON"),
        ({**entry(), keys.META: b"[1]"}, "not a JSON object"),
        ({**entry(), keys.META: b" " * 1_048_577}, "1,048,577 bytes, more than 1,048,576"),
        ({**entry(), keys.META: b"[" * 100_000}, "not JSON"),
        ({**entry(), keys.ID: b""}, "exchange id"),
        ({**entry(), keys.ID: b"a b:1"}, "exchange id"),
        ({**entry(), keys.ID: b"abc:-1"}, "exchange id"),
        ({**entry(), keys.ID: b"abc:" + b"9" * 5000}, "exchange id"),
        ({**entry(), keys.ID: "é:1".encode()}, "exchange id"),
        ({name: value for name, value in entry().items() if name != keys.REQUEST}, "request"),
        ({name: value for name, value in entry().items() if name != keys.META}, "no field meta"),
        (with_meta(at=-1), "capture time"),
        (with_meta(at="soon"), "capture time"),
        (with_meta(at=10**15), "capture time"),
        (with_meta(status=99999), "status"),
        (with_meta(status=True), "status"),
        (with_meta(latency_ms=-1), "latency"),
        (with_meta(latency_ms="fast"), "latency"),
        (with_meta(headers=[["a"]]), "header"),
        (with_meta(headers=[["a", 1]]), "header"),
        (with_meta(headers=[["a", "\u4e2d"]]), "header"),
        (with_meta(headers=5), "header"),
        (with_meta(target=5), "text"),
    ],
)
def test_what_is_not_ours_is_named(fields: dict[bytes, bytes], named: str) -> None:
    with pytest.raises(BadEntry, match=named) as caught:
        unpack_exchange(fields)
    assert len(str(caught.value)) < 300


@given(st.dictionaries(st.sampled_from([b"v", b"id", b"meta", b"request", b"shadow_meta", b"x"]), st.binary()))
def test_arbitrary_fields_are_refused_and_nothing_else_happens(fields: dict[bytes, bytes]) -> None:
    with pytest.raises(BadEntry):
        unpack_replay({**fields, keys.V: b"1"})


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"status": 200},
        {"status": None, "headers": [], "latency_ms": 1, "latency_source": "client", "attempts": 1, "at": 1},
        {"status": 200, "headers": [], "latency_ms": 1, "latency_source": "a clock", "attempts": 1, "at": 10**12},
        {"status": 200, "headers": [], "latency_ms": 1, "latency_source": "client", "attempts": [], "at": 10**12},
        {"error": "bored", "detail": "", "attempts": 1, "waited_ms": 1, "at": 10**12},
        {"error": "reset", "detail": "", "attempts": "many", "waited_ms": 1, "at": 10**12},
        {"outcome": "matched", "reason": "a stranger says so"},
        {"outcome": "dropped"},
    ],
)
def test_a_damaged_shadow_side_is_refused(meta: dict[str, object]) -> None:
    with pytest.raises(BadEntry):
        unpack_replay({**entry(), keys.SHADOW_META: orjson.dumps(meta)})


def test_a_dead_letter_keeps_its_payload_and_its_story() -> None:
    letter = unpack_dead_letter(pack_dead_letter(entry(), "delivered 5 times", "workers", 5, 1_763_900_000_123))
    assert letter.fields == entry()
    assert (letter.reason, letter.group, letter.deliveries) == ("delivered 5 times", "workers", 5)


def test_a_dead_letter_is_bounded_whatever_a_stranger_wrote() -> None:
    huge = {**entry(), b"x" * 1000: b"", keys.RESPONSE: b"x" * 40_000_000, b"more": b"x" * 40_000_000}
    kept = unpack_dead_letter(pack_dead_letter(huge, "too much", "workers", 1, 1)).fields
    assert sum(len(name) + len(value) for name, value in kept.items()) == MAX_BYTES
    assert kept[keys.META] == entry()[keys.META]


def test_a_strangers_entry_is_dead_without_a_notice() -> None:
    assert pack_dead_notice({b"hello": b"world"}, "1763900000000-0", "checkout") == {}


def test_a_damaged_exchange_is_noticed_with_what_can_be_read() -> None:
    notice = unpack_replay(pack_dead_notice({**entry(), keys.META: b"{"}, "1763900000000-0", "checkout"))
    assert notice == UnreplayedExchange("abcd1234:7", "checkout", 1_763_900_000_000, "?", "dead", "dead")
