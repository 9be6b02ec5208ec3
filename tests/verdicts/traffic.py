"""Visitors of the primary: at a steady rate, whether or not earlier ones have got their responses."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field

import aiohttp

MOST_AT_ONCE = 60
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Visit:
    """A kind of request and how often it is made. `{}` in the target is a random number."""

    weight: float
    target: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()


Mix = tuple[Visit, ...]
SHOP: Mix = (Visit(50, "/orders/{}"), Visit(30, "/products/{}"), Visit(19, "/search?q=t{}"), Visit(1, "/quotes/{}"))


@dataclass(slots=True)
class Visitors:
    """Sends a mix of requests to a primary until `stop`. `failed` counts responses of 5xx, and none."""

    origin: str
    mix: Mix
    per_s: float
    seed: str
    sent: int = 0
    failed: int = 0
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Send until stopped, then wait for what is under way."""
        chance = random.Random(self.seed)
        connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=TIMEOUT_S)
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            while not self._stopped.is_set():
                due_s = max(due_s + chance.expovariate(self.per_s), loop.time() - 1)
                await self._sleep(due_s - loop.time())
                if len(self._under_way) >= MOST_AT_ONCE or self._stopped.is_set():
                    continue
                (visit,) = chance.choices(self.mix, [each.weight for each in self.mix])
                target = visit.target.format(chance.randrange(1, 100_000))
                task = asyncio.create_task(self._send(session, visit, target))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
            await asyncio.gather(*self._under_way)

    def stop(self) -> None:
        """Send no more."""
        self._stopped.set()

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), max(0.0, seconds))

    async def _send(self, session: aiohttp.ClientSession, visit: Visit, target: str) -> None:
        body = {"sku": target} if visit.method == "POST" else None
        self.sent += 1
        try:
            async with session.request(
                visit.method, self.origin + target, headers=dict(visit.headers), allow_redirects=False, json=body
            ) as response:
                await response.read()
                self.failed += response.status >= 500
        except (aiohttp.ClientError, TimeoutError):
            self.failed += 1
