"""Replays survive the stream byte for byte; damaged ones are refused."""

import orjson
import pytest
from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.wire.exchange import (
    Exchange,
    Response,
)
from darklaunch_shared.wire.replay import (
    LatencySource,
    NoiseReplay,
    Replay,
    ReplayedVersion,
    ShadowError,
    ShadowResponse,
    UnreplayedExchange,
    pack_replay,
    pack_unreplayed,
    unpack_replay,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.support.entries import (
    exchanges,
    make_entry,
    responses,
    shadow_errors,
    shadow_responses,
    times,
)
from tests.support.pack_exchange import pack_exchange


@given(exchanges, st.one_of(shadow_responses, shadow_errors))
def test_a_replay_survives_the_stream(exchange: Exchange, shadow: ShadowResponse | ShadowError) -> None:
    assert unpack_replay(pack_replay(pack_exchange(exchange), shadow)) == Replay(exchange, shadow)


@given(exchanges, responses, times)
def test_equal_bodies_travel_once(exchange: Exchange, answer: Response, at: int) -> None:
    same = Response(answer.status, answer.headers, exchange.primary.body, answer.latency_ms)
    packed = pack_replay(pack_exchange(exchange), ShadowResponse(same, LatencySource.CLIENT, 1, at))
    assert keys.SHADOW not in packed
    assert unpack_replay(packed) == Replay(exchange, ShadowResponse(same, LatencySource.CLIENT, 1, at))


@given(exchanges, shadow_responses, st.sampled_from(ReplayedVersion), st.one_of(shadow_responses, shadow_errors))
def test_a_second_answer_survives_the_stream(
    exchange: Exchange, shadow: ShadowResponse, version: ReplayedVersion, outcome: ShadowResponse | ShadowError
) -> None:
    repeat = NoiseReplay(version, outcome)
    packed = pack_replay(pack_exchange(exchange), shadow, repeat)
    assert unpack_replay(packed) == Replay(exchange, shadow, repeat)
    older = {name: value for name, value in packed.items() if name not in (keys.CONTROL_META, keys.CONTROL)}
    assert older == pack_replay(pack_exchange(exchange), shadow)  # what a reader without the baseline sees of it


@given(exchanges, shadow_responses, st.sampled_from(ReplayedVersion))
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
    packed = pack_replay(make_entry(), shadow)
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
        unpack_replay({**make_entry(), keys.SHADOW_META: orjson.dumps(meta)})


def test_header_fields_of_a_shadow_response_are_tuples() -> None:
    response = Response(200, (("etag", "x"), ("vary", "accept")), b"other", 1.0)
    packed = pack_replay(make_entry(), ShadowResponse(response, LatencySource.CLIENT, 1, 1_763_900_000_000))
    replay = unpack_replay(packed)
    assert isinstance(replay, Replay)
    assert isinstance(replay.shadow, ShadowResponse)
    assert replay.shadow.response == response
    assert hash(replay)
