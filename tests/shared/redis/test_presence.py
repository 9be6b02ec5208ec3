"""Processes that record heartbeats in a real Redis count one another, until they sign off."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from darklaunch_console.embedded import Valkey
from darklaunch_shared import keys
from darklaunch_shared.redis.client import connect_async
from darklaunch_shared.redis.presence import ALIVE_MS, ProcessPresence, make_identity, read_alive

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def present(url: str) -> AsyncIterator[ProcessPresence]:
    redis = connect_async(url, client_name="darklaunch-test")
    presence = ProcessPresence(
        redis, keys.WORKERS, make_identity(), lambda: {"kind": "worker"}, logging.getLogger("test")
    )
    beating = asyncio.create_task(presence.run())
    try:
        yield presence
    finally:
        beating.cancel()
        await presence.sign_off()
        await redis.aclose()


async def wait_until_alive(presence: ProcessPresence, count: int) -> None:
    with anyio.fail_after(30):
        while presence.alive != count:  # noqa: ASYNC110
            await anyio.sleep(0.05)


async def test_processes_that_start_together_soon_count_one_another(own_valkey: Valkey) -> None:
    async with present(own_valkey.url) as first:
        async with present(own_valkey.url) as second:
            await wait_until_alive(first, 2)
            await wait_until_alive(second, 2)
        async with present(own_valkey.url) as third:
            await wait_until_alive(third, 2)


async def test_without_redis_a_process_counts_itself() -> None:
    async with present("redis://127.0.0.1:1/0") as alone:
        await anyio.sleep(0.3)
        assert alone.alive == 1


def test_damaged_and_old_records_do_not_count() -> None:
    records = {
        b"new": b'1000000 {"kind": "worker"}',
        b"old": b"%d {}" % (1_000_000 - ALIVE_MS - 1),
        b"no time": b"{}",
        b"no JSON": b"1000000 {",
        b"\xff": b"1000000 {}",
    }
    assert [(process.id, process.about) for process in read_alive(records, 1_000_000)] == [("new", {"kind": "worker"})]
