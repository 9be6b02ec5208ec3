"""Launch state polled from a real Redis: what is known while it changes, is damaged, or Redis is away."""

import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from darklaunch_console.embedded import Valkey
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import connect_async
from darklaunch_shared.redis.control_poller import LaunchPoller

from tests.support.workers import connected, publish

pytestmark = pytest.mark.anyio

log = logging.getLogger("test")


@asynccontextmanager
async def polling(url: str) -> AsyncIterator[tuple[LaunchPoller, list[set[str]]]]:
    """Return a poller, and the names of the readable launches after each poll."""
    redis = connect_async(url, client_name="darklaunch-test")
    polls: list[set[str]] = []
    poller = LaunchPoller(redis, log, on_poll=lambda: polls.append(set(poller.states())))
    try:
        yield poller, polls
    finally:
        await redis.aclose()


async def test_each_poll_reads_what_changed(own_valkey: Valkey) -> None:
    async with polling(own_valkey.url) as (poller, polls):
        await poller.poll()
        with connected(own_valkey.url) as redis:
            publish(redis, "shop", LaunchSpec("http://shadow"))
            await poller.poll()
            state = poller.state("shop")
            assert state is not None and not state.hold
            redis.execute_command("HSET", keys.launch("shop"), "hold", 1)  # as with redis-cli, without a new revision
            await poller.poll()
            state = poller.state("shop")
            assert state is not None and state.hold
        assert polls == [set(), {"shop"}, {"shop"}]


async def test_a_damaged_launch_is_named_once_and_has_no_state(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    async with polling(own_valkey.url) as (poller, _):
        with connected(own_valkey.url) as redis:
            publish(redis, "whole", LaunchSpec("http://shadow"))
            publish(redis, "damaged", LaunchSpec("http://shadow"), "on-fire")
            for _ in range(2):
                redis.execute_command("INCR", keys.REVISION)
                await poller.poll()
        assert poller.names == {"whole", "damaged"}
        assert poller.state("damaged") is None
        assert caplog.text.count("launch damaged: its state on Redis is damaged") == 1


async def test_an_outage_is_logged_once_and_what_was_known_stays(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    async with polling(own_valkey.url) as (poller, polls):
        with connected(own_valkey.url) as redis:
            publish(redis, "shop", LaunchSpec("http://shadow"))
        await poller.poll()
        os.kill(own_valkey.process.pid, signal.SIGKILL)
        for _ in range(2):
            await poller.poll()
        assert poller.state("shop") is not None
        assert len(polls) == 1
    assert caplog.text.count("Redis does not answer") == 1
