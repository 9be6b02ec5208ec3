"""Which implementation one gets."""

import sys

import pytest
from darklaunch_shared.launch.origin import Origin
from darklaunch_workers.http import ClientKind, NoFastClient, UnsendableRequest, make_client

from tests.support.hostile_shadow import OK, calling, request

pytestmark = pytest.mark.anyio

BEYOND_ASCII = request(b"/\xff")  # the fast implementation sends it, httpx cannot


@pytest.fixture
def kind() -> ClientKind:
    return "auto"


@pytest.fixture
def without_httptools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "darklaunch_workers.http.httptools_connection", raising=False)
    monkeypatch.setitem(sys.modules, "httptools", None)


async def test_auto_is_the_fast_one(kind: ClientKind) -> None:
    async with calling(kind, OK) as (client, _):
        assert (await client.send(BEYOND_ASCII, deadline_s=5)).response.status == 200


async def test_auto_is_httpx_without_httptools(kind: ClientKind, without_httptools: None) -> None:
    async with calling(kind, OK) as (client, _):
        with pytest.raises(UnsendableRequest):
            await client.send(BEYOND_ASCII, deadline_s=5)
        assert (await client.send(request(), deadline_s=5)).response.status == 200


async def test_fast_without_httptools_says_what_to_do(without_httptools: None) -> None:
    with pytest.raises(NoFastClient, match="needs httptools: install it"):
        make_client(Origin("http", "127.0.0.1", 80), slots=1, kind="fast")
