"""Clients over every kind of URL that is promised."""

from __future__ import annotations

import pytest
from darklaunch_console.embedded import embedded_valkey
from darklaunch_shared.redis.client import connect, connect_async

pytestmark = pytest.mark.anyio


async def test_clients_work_over_a_unix_socket() -> None:
    with embedded_valkey(extra=["unixsocket valkey.sock"]) as valkey:
        password = valkey.url.partition("redis://:")[2].partition("@")[0]
        url = f"unix://:{password}@{valkey.path}/valkey.sock"
        client = connect(url, client_name="darklaunch-test")
        assert client.execute_command("CLIENT", "GETNAME") == b"darklaunch-test"
        client.close()
        awaited = connect_async(url, client_name="darklaunch-test")
        assert await awaited.execute_command("CLIENT", "GETNAME") == b"darklaunch-test"
        await awaited.aclose()
