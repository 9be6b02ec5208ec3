"""Endpoints whose noise is known are not asked again at once; the others are, up to a limit."""

import orjson
import pytest
from darklaunch_workers.replay import endpoint_noise
from darklaunch_workers.replay.endpoint_noise import MOST_AT_ONCE, EndpointNoise


def test_an_endpoint_is_asked_again_until_its_noise_is_known() -> None:
    noise = EndpointNoise()
    assert noise.is_unknown("GET /orders")
    noise.read_known(b'["GET /orders"]')
    assert not noise.is_unknown("GET /orders")
    assert noise.is_unknown("GET /cart")


def test_where_nobody_says_what_is_known_it_stops_at_a_limit() -> None:
    noise = EndpointNoise()
    for _ in range(MOST_AT_ONCE):
        assert noise.is_unknown("GET /orders")
        noise.count_replay("GET /orders")
    assert not noise.is_unknown("GET /orders")


def test_where_something_new_has_turned_up_it_begins_again() -> None:
    noise = EndpointNoise()
    for _ in range(MOST_AT_ONCE):
        noise.count_replay("GET /orders")
    noise.read_known(b'["GET /orders"]')
    noise.read_known(None)
    assert noise.is_unknown("GET /orders")


def test_endpoints_beyond_the_limit_are_not_counted_and_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_noise, "MOST_ENDPOINTS", 2)
    noise = EndpointNoise()
    for endpoint in ("GET /1", "GET /2", "GET /3"):
        noise.count_replay(endpoint)
    assert [noise.is_unknown(f"GET /{number}") for number in (1, 2, 3)] == [True, True, False]


@pytest.mark.parametrize("packed", [b"{", b"7", b"[[]]"])
def test_a_damaged_list_is_refused(packed: bytes) -> None:
    with pytest.raises((orjson.JSONDecodeError, TypeError)):
        EndpointNoise().read_known(packed)
