"""Outcomes are passed on many at a time, in calls of bounded size; one that is refused takes no other along."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient, connect_async
from darklaunch_shared.redis.consumer import FINISH_BATCH, ClaimedEntry, FinishedEntry, GroupConsumer, worker_streams
from darklaunch_shared.redis.script_calls import ScriptCaller
from darklaunch_shared.redis.script_queue import ScriptQueue
from darklaunch_workers.outcome_batcher import BATCH_BYTES, OutcomeBatcher

from tests.support.workers import admit_many, count_waiting, read_ledger, wait_until

pytestmark = pytest.mark.anyio

Finished = list[tuple[str, bool]]


class Counting(GroupConsumer):
    """A consumer that records how many outcomes each call had."""

    calls: list[int]

    async def finish(self, outcomes: list[FinishedEntry]) -> list[bool]:  # type: ignore[override]
        self.calls.append(len(outcomes))
        return await super().finish(outcomes)


@asynccontextmanager
async def batching(url: str, launch: str) -> AsyncIterator[tuple[Counting, OutcomeBatcher, Finished]]:
    client = connect_async(url, client_name="darklaunch-test")
    queue = ScriptQueue(ScriptCaller(client))
    consumer = Counting(client, queue, worker_streams(launch, 0), name="one", lease_s=60)
    consumer.calls = []
    finished: Finished = []
    batcher = OutcomeBatcher(
        consumer, enough=10_000, on_finished=lambda outcome, passed_on: finished.append((outcome.entry_id, passed_on))
    )
    running = [asyncio.create_task(queue.run()), asyncio.create_task(batcher.run())]
    try:
        yield consumer, batcher, finished
    finally:
        for task in running:
            task.cancel()
        await client.aclose()


async def take(consumer: GroupConsumer, count: int) -> list[ClaimedEntry]:
    deliveries: list[ClaimedEntry] = []
    while len(deliveries) < count:
        deliveries += await consumer.read(count, wait_ms=100)
    return deliveries


def finish(delivery: ClaimedEntry, **more: bytes) -> FinishedEntry:
    fields = delivery.fields | {name.encode(): value for name, value in more.items()}
    return FinishedEntry(delivery.entry_id, fields, "replayed")


async def test_calls_hold_many_outcomes_but_not_too_many(url: str, redis: RedisClient, launch_name: str) -> None:
    count = 2 * FINISH_BATCH + 5
    admit_many(redis, launch_name, 1, count)
    async with batching(url, launch_name) as (consumer, batcher, finished):
        deliveries = await take(consumer, count)
        for delivery in deliveries:
            batcher.add(finish(delivery))
        await wait_until(lambda: len(finished) == count)
        assert finished == [(delivery.entry_id, True) for delivery in deliveries]
        assert consumer.calls == [FINISH_BATCH, FINISH_BATCH, 5]
    assert read_ledger(redis, launch_name) == {"admitted": count, "replayed": count}


async def test_the_bytes_of_a_call_are_bounded_and_what_is_larger_goes_alone(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    sizes = [10, 20, BATCH_BYTES * 2, BATCH_BYTES // 3, BATCH_BYTES // 3, BATCH_BYTES // 3, 10]
    admit_many(redis, launch_name, 1, len(sizes))
    async with batching(url, launch_name) as (consumer, batcher, finished):
        for delivery, size in zip(await take(consumer, len(sizes)), sizes, strict=True):
            batcher.add(finish(delivery, shadow=bytes(size)))
        await wait_until(lambda: len(finished) == len(sizes))
        assert consumer.calls == [2, 1, 2, 2]
    assert count_waiting(redis, launch_name) == 0


async def test_an_outcome_that_is_refused_for_good_takes_no_other_along(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    admit_many(redis, launch_name, 1, 3)
    async with batching(url, launch_name) as (consumer, batcher, finished):
        first, second, third = await take(consumer, 3)
        for finished_entry in (finish(first), finish(second)._replace(entry_id="no id"), finish(third)):
            batcher.add(finished_entry)
        await wait_until(lambda: len(finished) == 3)
        assert finished == [(first.entry_id, True), ("no id", False), (third.entry_id, True)]
    assert redis.execute_command("XLEN", keys.replays(launch_name)) == 2
    assert count_waiting(redis, launch_name) == 1
