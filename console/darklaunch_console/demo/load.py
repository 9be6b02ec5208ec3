"""Visit the shop at a steady rate, as its users do, and measure what they see.

Open loop: requests leave when they are due, whether or not the ones before were answered, so that a shop that
stalls shows in every latency from then on and not only in one ("coordinated omission").
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from .traffic import Visit

REPORT_EVERY_S = 0.25
REQUEST_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class UserLatencies:
    """Quantiles of what users waited, in milliseconds; NaN when nothing was answered."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far the load is: planned, sent, answered as expected, otherwise, and the median so far."""

    planned: int
    sent: int
    ok: int
    errors: int
    p50_ms: float
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class VisitKindSummary:
    """What the users who asked one kind of question saw."""

    name: str
    sent: int
    errors: int
    latencies: UserLatencies


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """What the users saw in all. An error is a status other than the expected one, or no answer (status 0)."""

    sent: int
    ok: int
    errors: int
    statuses: dict[int, int]
    latencies: UserLatencies
    kinds: tuple[VisitKindSummary, ...]
    elapsed_s: float
    first_error: str


@dataclass(slots=True)
class _Seen:
    """What has come back so far: per kind the latencies, and all of them."""

    started: float
    planned: int
    sent: int = 0
    errors: int = 0
    first_error: str = ""
    statuses: Counter[int] = field(default_factory=Counter[int])
    waited_ms: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    wrong: Counter[str] = field(default_factory=Counter[str])

    def record(self, visit: Visit, status: int, waited_ms: float, problem: str) -> None:
        self.statuses[status] += 1
        self.waited_ms.setdefault(visit.kind, []).append(waited_ms)
        if status != visit.expected:
            self.errors += 1
            self.wrong[visit.kind] += 1
            self.first_error = self.first_error or f"{visit.method} {visit.target}: {problem or f'status {status}'}"

    def everything(self) -> list[float]:
        return [waited for kind in self.waited_ms.values() for waited in kind]

    def progress(self) -> LoadProgress:
        waited = self.everything()
        elapsed_s = time.perf_counter() - self.started
        return LoadProgress(
            self.planned, self.sent, len(waited) - self.errors, self.errors, compute_latencies(waited).p50_ms, elapsed_s
        )

    def summary(self) -> LoadSummary:
        waited = self.everything()
        kinds = tuple(
            VisitKindSummary(name, len(times), self.wrong[name], compute_latencies(times))
            for name, times in sorted(self.waited_ms.items())
        )
        elapsed_s = time.perf_counter() - self.started
        answered_well = len(waited) - self.errors
        return LoadSummary(
            self.sent,
            answered_well,
            self.errors,
            dict(self.statuses),
            compute_latencies(waited),
            kinds,
            elapsed_s,
            self.first_error,
        )


async def run_load(
    origin: str,
    visits: Sequence[Visit],
    rate_per_s: float,
    on_progress: Callable[[LoadProgress], None] | None = None,
    deadline_s: float | None = None,
    enough: Callable[[], bool] = lambda: False,
) -> LoadSummary:
    """Send every visit to an origin (`http://127.0.0.1:8000`) at a steady rate and wait for the answers.

    Ends at the latest after `deadline_s` (default: the planned time and 15 s more); what is unanswered then counts as
    an error. No failure of the shop raises: it is counted. `on_progress` is called about four times a second. No visit
    is sent when `enough` says so.
    """
    seen = _Seen(time.perf_counter(), len(visits))
    limit_s = len(visits) / rate_per_s + REQUEST_TIMEOUT_S if deadline_s is None else deadline_s
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, headers={"accept": "application/json", "user-agent": "shop-visitor/1"}
    ) as session:
        reporter = asyncio.create_task(_report(seen, on_progress)) if on_progress else None
        asked: list[asyncio.Task[None]] = []
        try:
            async with asyncio.timeout(limit_s):
                for nth, visit in enumerate(visits):
                    if enough():
                        break
                    due = seen.started + nth / rate_per_s
                    await asyncio.sleep(max(0.0, due - time.perf_counter()))
                    seen.sent += 1
                    asked.append(asyncio.create_task(_ask(session, origin, visit, due, seen)))
                await asyncio.gather(*asked)
        except TimeoutError:
            await _cancel(asked)
        finally:
            await _cancel([*asked, *([reporter] if reporter else [])])
    if on_progress:
        on_progress(seen.progress())
    return seen.summary()


async def _ask(session: aiohttp.ClientSession, origin: str, visit: Visit, due: float, seen: _Seen) -> None:
    """Send one visit; the time waited is measured from when it was due."""
    status, problem = 0, "no answer in time"
    try:
        url = URL(origin + visit.target, encoded=True)
        async with session.request(visit.method, url, data=visit.body or None) as response:
            await response.read()
            status, problem = response.status, ""
    except (aiohttp.ClientError, TimeoutError) as error:
        problem = str(error) or type(error).__name__
    finally:
        seen.record(visit, status, (time.perf_counter() - due) * 1000, problem)


async def _report(seen: _Seen, on_progress: Callable[[LoadProgress], None]) -> None:
    while True:
        on_progress(seen.progress())
        await asyncio.sleep(REPORT_EVERY_S)


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def compute_latencies(waited_ms: Sequence[float]) -> UserLatencies:
    """Return the quantiles by nearest rank."""
    ranked = sorted(waited_ms)
    if not ranked:
        return UserLatencies(math.nan, math.nan, math.nan, math.nan)

    def at(share: float) -> float:
        return ranked[max(0, math.ceil(share * len(ranked)) - 1)]

    return UserLatencies(at(0.50), at(0.95), at(0.99), ranked[-1])
