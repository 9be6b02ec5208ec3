"""The least connect time of the last minutes, and that each response carries it."""

import pytest
from darklaunch_workers.http import ClientKind, pool
from darklaunch_workers.http.connect_floor import HALF_S, ConnectFloor

from tests.support.hostile_shadow import OK, calling, request


def test_the_least_of_the_last_minutes_is_the_floor() -> None:
    floor = ConnectFloor()
    assert floor.read_ms(1000.0) is None
    for took_ms in (0.4, 0.25, 7.0):
        floor.record_connect(took_ms, 1000.0)
    assert floor.read_ms(1000.0 + HALF_S) == 0.25
    floor.record_connect(3.0, 1000.0 + HALF_S)
    assert floor.read_ms(1000.0 + HALF_S) == 0.25


def test_a_path_that_became_longer_is_known_after_minutes() -> None:
    floor = ConnectFloor()
    floor.record_connect(0.25, 10.0)
    floor.record_connect(3.0, 10.0 + HALF_S)
    floor.record_connect(4.0, 10.0 + 2 * HALF_S)
    assert floor.read_ms(10.0 + 2 * HALF_S) == 3.0
    assert floor.read_ms(10.0 + 5 * HALF_S) is None


def test_the_network_takes_no_longer_than_the_quickest_response() -> None:
    floor = ConnectFloor()
    floor.record_response(2.0, 10.0)
    assert floor.read_ms(10.0) is None
    floor.record_connect(8.0, 10.0)  # a busy machine, and no other connection
    floor.record_response(3.0, 11.0)
    floor.record_response(5.0, 12.0)
    assert floor.read_ms(12.0) == 3.0
    assert floor.read_ms(12.0 + HALF_S) == 3.0


@pytest.mark.anyio
async def test_a_response_carries_the_floor(kind: ClientKind) -> None:
    async with calling(kind, OK) as (client, _):
        reply = await client.send(request(), deadline_s=5)
        again = await client.send(request(), deadline_s=5)
    assert reply.floor_ms is not None
    assert 0 < reply.floor_ms < 1000
    assert again.floor_ms is not None
    assert 0 < again.floor_ms <= reply.floor_ms


@pytest.mark.anyio
async def test_a_busy_connection_is_opened_again_after_a_minute(
    kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with calling(kind, OK) as (client, shadow):
        await client.send(request(), deadline_s=5)
        await client.send(request(), deadline_s=5)
        assert shadow.connections == 1
        monkeypatch.setattr(pool, "MAX_AGE_S", 0.0)
        for _ in range(2):
            await client.send(request(), deadline_s=5)
        assert shadow.connections == 2
