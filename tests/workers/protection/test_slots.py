"""What counts against the limit on replays under way, and what does not hold up the rest."""

from contextlib import ExitStack

import anyio
import anyio.lowlevel
import pytest
from darklaunch_workers.protection.slots import SLOW_SHARE, ReplaySlots


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def make_slots(clock: Clock, *, limit: int = 2, ceiling: int = 8) -> ReplaySlots:
    return ReplaySlots(lambda: limit, ceiling=ceiling, slow_after_s=lambda: 0.5, clock=clock)


def test_slots_are_full_at_the_limit(clock: Clock) -> None:
    slots = make_slots(clock)
    with ExitStack() as held:
        held.enter_context(slots.take())
        assert not slots.full
        with slots.take():
            assert slots.full
            assert slots.busy == 2
        assert not slots.full
    assert slots.busy == 0


def test_a_replay_that_takes_far_longer_than_usual_holds_nothing_up(clock: Clock) -> None:
    slots = make_slots(clock)
    slots.claimed = 2
    with slots.take(), slots.take():
        assert (slots.full, slots.free) == (True, 0)
        clock.now_s += 0.6
        assert (slots.full, slots.free) == (False, 2)


def test_a_quarter_of_the_ceiling_may_be_slow_at_most(clock: Clock) -> None:
    slots = make_slots(clock, ceiling=8)
    slots.claimed = 4
    with ExitStack() as held:
        for _ in range(4):
            held.enter_context(slots.take())
        clock.now_s += 10
        assert 8 // SLOW_SHARE == 2
        assert (slots.full, slots.free) == (True, 0)


def test_slow_or_not_nothing_goes_over_the_ceiling(clock: Clock) -> None:
    slots = make_slots(clock, limit=3, ceiling=3)
    slots.claimed = 3
    with slots.take(), slots.take(), slots.take():
        clock.now_s += 10
        assert (slots.full, slots.free) == (True, 0)


@pytest.mark.anyio
async def test_a_replay_that_waits_to_come_back_gives_its_slot_to_others(clock: Clock) -> None:
    slots = make_slots(clock, limit=1, ceiling=1)
    slots.claimed = 1
    came_back = anyio.Event()

    async def waiting() -> None:
        with slots.take() as slot:
            await slot.pause(0.01, within_s=30)
            came_back.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(waiting)
        await anyio.lowlevel.checkpoint()
        assert (slots.full, slots.free, slots.busy) == (False, 1, 0)
        with slots.take():
            await anyio.sleep(0.05)
            assert not came_back.is_set()
        await came_back.wait()
    assert slots.busy == 0


@pytest.mark.anyio
async def test_it_comes_back_without_room_when_time_is_up(clock: Clock) -> None:
    slots = make_slots(clock, limit=1, ceiling=1)
    with slots.take(), slots.take() as slot:
        with anyio.fail_after(5):
            await slot.pause(0.0, within_s=0.02)
        assert slots.busy == 2
