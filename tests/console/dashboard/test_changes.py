"""The feed that wakes open pages: one reader for all of them, and none while nobody looks."""

import asyncio
from collections.abc import AsyncIterator

from darklaunch_console.dashboard.changes import ALL_LAUNCHES, CHANGED, KEEP_ALIVE, ChangeFeed
from darklaunch_console.errors import ServerUnreachable


class Marks:
    """Marks that the test sets; counts how often they were read."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {"a": "1", "b": "1"}
        self.reads = 0
        self.unreachable = False

    def read(self) -> dict[str, str]:
        self.reads += 1
        if self.unreachable:
            raise ServerUnreachable("Postgres is away")
        return dict(self.values)


async def next_event(events: AsyncIterator[bytes]) -> bytes:
    async with asyncio.timeout(20):
        return await anext(events)


async def follow(feed: ChangeFeed, launch: str) -> AsyncIterator[bytes]:
    events = feed.follow(launch)
    assert await next_event(events) == KEEP_ALIVE
    return events


def test_a_page_is_woken_by_its_own_launch_and_not_by_another() -> None:
    async def look() -> None:
        marks = Marks()
        feed = ChangeFeed(marks.read)
        of_a, of_all = await follow(feed, "a"), await follow(feed, ALL_LAUNCHES)
        marks.values["b"] = "2"
        assert await next_event(of_all) == CHANGED
        marks.values["a"] = "2"
        assert await next_event(of_a) == CHANGED
        assert await next_event(of_all) == CHANGED

    asyncio.run(look())


def test_many_pages_are_served_by_one_reader_that_stops_with_the_last() -> None:
    async def look() -> None:
        marks = Marks()
        feed = ChangeFeed(marks.read)
        pages = [await follow(feed, "a") for _ in range(50)]
        assert marks.reads == 1
        marks.values["a"] = "2"
        assert [await next_event(page) for page in pages] == [CHANGED] * 50
        for page in pages:
            await page.aclose()  # type: ignore[attr-defined]
        reads = marks.reads
        await asyncio.sleep(2.5)
        assert marks.reads == reads

    asyncio.run(look())


def test_pages_are_woken_when_postgres_goes_and_when_it_comes_back() -> None:
    async def look() -> None:
        marks = Marks()
        events = await follow(ChangeFeed(marks.read), "a")
        marks.unreachable = True
        assert await next_event(events) == CHANGED
        marks.unreachable = False
        assert await next_event(events) == CHANGED

    asyncio.run(look())
