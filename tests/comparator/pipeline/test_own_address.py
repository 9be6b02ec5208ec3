"""TLS ends at a proxy before an app that writes its own address: real apps, a real hook, a real worker."""

from __future__ import annotations

import json
from asyncio import to_thread
from collections.abc import Iterator
from typing import Any

import pytest
from darklaunch_comparator.pipeline.assess import assess_entry, compile_launch_rules
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import pair_fields

from tests.support.hook import Served, eventually, gunicorn, serving, uvicorn
from tests.support.workers import publish, running_worker

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("own-address")]

PATHS = ("/page", "/orders/7", "/old")
SERVERS = {
    "uvicorn": uvicorn("address_app:app", "--proxy-headers"),
    "gunicorn": gunicorn("address_app:wsgi", "--workers", "1"),
}
BEHIND_TLS = ("X-Forwarded-Proto: https", "X-Forwarded-For: 192.0.2.7")


@pytest.fixture(scope="module", params=list(SERVERS))
def server(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def shadow(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same code, without a hook."""
    with serving(SERVERS[server], tmp_path_factory.mktemp("shadow") / "log", {}) as served:
        yield served


@pytest.fixture(scope="module")
def primary(valkey: Any, server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    env = {"DARKLAUNCH_REDIS_URL": valkey.url}
    with serving(SERVERS[server], tmp_path_factory.mktemp("primary") / "log", env) as served:
        yield served


@pytest.mark.parametrize("preserve_host", [False, True])
@pytest.mark.parametrize("forwarded", [BEHIND_TLS, (*BEHIND_TLS, "X-Forwarded-Host: www.shop.example"), ()])
async def test_the_own_address_behind_a_proxy_is_no_difference(
    redis: RedisClient,
    valkey: Any,
    primary: Served,
    shadow: Served,
    *,
    forwarded: tuple[str, ...],
    preserve_host: bool,
) -> None:
    name = "address"
    spec = LaunchSpec(f"http://127.0.0.1:{shadow.port}", host="preserve" if preserve_host else "shadow")
    publish(redis, name, spec)
    headers = ("Host: shop.example", *forwarded)

    def capture() -> bool:
        for path in PATHS:
            primary.ask("\r\n".join([f"GET {path} HTTP/1.1", *headers, "Connection: close", "", ""]))
        return int(redis.execute_command("XLEN", keys.captures(name))) >= len(PATHS)

    def list_replays() -> list[Any]:
        entries = redis.execute_command("XRANGE", keys.replays(name), "-", "+")
        return entries if len(entries) >= len(PATHS) else []

    assert await to_thread(eventually, capture), primary.log()
    async with running_worker(valkey.url):
        entries = await to_thread(eventually, list_replays)
    rules = compile_launch_rules(spec)
    results = [assess_entry(name, pair_fields(fields), rules) for _, fields in entries]
    seen = {result.endpoint for result in results}
    assert len(seen) == len(PATHS)
    for result in results:
        shown = [json.loads(problem.differences) for problem in result.problems]
        assert result.outcome == "matched", shown
        if not preserve_host and len(forwarded) < 3:
            assert {reason for _, reason, _ in result.excuses} == {"own_origin"}
