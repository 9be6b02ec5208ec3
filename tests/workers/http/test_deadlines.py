"""Deadlines on a shared timer: what is late is cut short, and nothing else."""

import asyncio
import time

import pytest
from darklaunch_workers.http.deadlines import DeadlineTimer

pytestmark = pytest.mark.anyio

FAR_S = 60.0


async def test_each_is_cut_short_at_its_own_time_whatever_the_order() -> None:
    deadlines = DeadlineTimer()

    async def late(delay_s: float) -> float:
        began = time.monotonic()
        with pytest.raises(TimeoutError), deadlines.within(delay_s):
            await asyncio.sleep(FAR_S)
        return time.monotonic() - began

    async def in_time(delay_s: float) -> None:
        with deadlines.within(delay_s):
            await asyncio.sleep(0)

    delays_s = [0.3, 0.0, 0.2, 0.05, 0.25, 0.1]
    async with asyncio.TaskGroup() as tasks:
        late_tasks = [tasks.create_task(late(delay_s)) for delay_s in delays_s]
        for delay_s in (FAR_S, 0.01, 0.15):
            tasks.create_task(in_time(delay_s))
    took_s = [task.result() for task in late_tasks]
    assert all(took >= delay_s - 0.02 for took, delay_s in zip(took_s, delays_s, strict=True))
    assert max(took_s) < FAR_S / 2


async def test_what_ended_in_time_is_left_alone_afterwards() -> None:
    deadlines = DeadlineTimer()
    with deadlines.within(0.02):
        pass
    await asyncio.sleep(0.1)


async def test_the_inner_of_two_is_told_from_the_outer() -> None:
    deadlines = DeadlineTimer()
    outer, inner = deadlines.within(FAR_S), deadlines.within(0.02)
    with outer:
        with pytest.raises(TimeoutError), inner:
            await asyncio.sleep(FAR_S)
        await asyncio.sleep(0)
    assert (outer.expired, inner.expired) == (False, True)


@pytest.mark.parametrize("late_too", [False, True])
async def test_a_cancellation_from_outside_stays_one(late_too: bool) -> None:
    deadline = DeadlineTimer().within(FAR_S)

    async def work() -> None:
        with deadline:
            await asyncio.sleep(FAR_S)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    if late_too:
        deadline.expire()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
