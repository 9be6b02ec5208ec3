"""Send visits to the shop at a steady rate, as its users would, and measure what they see.

Open loop: a request is sent when it is due, whether or not earlier ones have a response. A shop that stalls so shows in
every latency from then on, not only in one (Gil Tene: "coordinated omission").
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
KEPT_S = 2.0
"""How long an idle connection is kept: below the server's 5 s, so that no request crosses the server's end of one."""


@dataclass(frozen=True, slots=True)
class UserLatencies:
    """Quantiles of the time users waited for a response, in milliseconds; NaN when there was none."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far the load is: visits planned, sent, with the expected status, with an error, and the median so far."""

    planned: int
    sent: int
    ok: int
    errors: int
    p50_ms: float
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class VisitKindSummary:
    """What users saw of one kind of visit."""

    name: str
    sent: int
    errors: int
    latencies: UserLatencies


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """What users saw of all visits. An error is a status other than the expected one, or no response (status 0)."""

    sent: int
    ok: int
    errors: int
    statuses: dict[int, int]
    latencies: UserLatencies
    kinds: tuple[VisitKindSummary, ...]
    elapsed_s: float
    first_error: str


@dataclass(slots=True)
class _LoadRecord:
    """The responses so far: statuses, errors, and latencies by kind of visit."""

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

    def list_latencies(self) -> list[float]:
        return [waited for kind in self.waited_ms.values() for waited in kind]

    def compute_progress(self) -> LoadProgress:
        waited = self.list_latencies()
        elapsed_s = time.perf_counter() - self.started
        return LoadProgress(
            planned=self.planned,
            sent=self.sent,
            ok=len(waited) - self.errors,
            errors=self.errors,
            p50_ms=compute_latencies(waited).p50_ms,
            elapsed_s=elapsed_s,
        )

    def summarize(self) -> LoadSummary:
        waited = self.list_latencies()
        kinds = tuple(
            VisitKindSummary(name, sent=len(times), errors=self.wrong[name], latencies=compute_latencies(times))
            for name, times in sorted(self.waited_ms.items())
        )
        elapsed_s = time.perf_counter() - self.started
        return LoadSummary(
            sent=self.sent,
            ok=len(waited) - self.errors,
            errors=self.errors,
            statuses=dict(self.statuses),
            latencies=compute_latencies(waited),
            kinds=kinds,
            elapsed_s=elapsed_s,
            first_error=self.first_error,
        )


async def run_load(
    origin: str,
    visits: Sequence[Visit],
    rate_per_s: float,
    on_progress: Callable[[LoadProgress], None] | None = None,
    deadline_s: float | None = None,
    enough: Callable[[], bool] = lambda: False,
) -> LoadSummary:
    """Send every visit to an origin (`http://127.0.0.1:8000`) at a steady rate and wait for the responses.

    Ends at the latest after `deadline_s` (default: the planned time and 15 s more); a visit without a response by then
    counts as an error. Failures of the shop are counted, never raised. `on_progress` is called about four times a
    second. Once `enough` returns True, no more visits are sent.
    """
    record = _LoadRecord(time.perf_counter(), len(visits))
    limit_s = len(visits) / rate_per_s + REQUEST_TIMEOUT_S if deadline_s is None else deadline_s
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_S)
    timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, headers={"accept": "application/json", "user-agent": "shop-visitor/1"}
    ) as session:
        reporter = asyncio.create_task(_report(record, on_progress)) if on_progress else None
        visit_tasks: list[asyncio.Task[None]] = []
        try:
            async with asyncio.timeout(limit_s):
                for nth, visit in enumerate(visits):
                    if enough():
                        break
                    due = record.started + nth / rate_per_s
                    await asyncio.sleep(max(0.0, due - time.perf_counter()))
                    record.sent += 1
                    visit_tasks.append(asyncio.create_task(_send_visit(session, origin, visit, due, record)))
                await asyncio.gather(*visit_tasks)
        except TimeoutError:
            await _cancel(visit_tasks)
        finally:
            await _cancel([*visit_tasks, *([reporter] if reporter else [])])
    if on_progress:
        on_progress(record.compute_progress())
    return record.summarize()


async def _send_visit(
    session: aiohttp.ClientSession, origin: str, visit: Visit, due: float, record: _LoadRecord
) -> None:
    """Send one visit; the time waited is measured from when it was due."""
    status, problem = 0, "no response in time"
    try:
        url = URL(origin + visit.target, encoded=True)
        async with session.request(visit.method, url, data=visit.body or None) as response:
            await response.read()
            status, problem = response.status, ""
    except (aiohttp.ClientError, TimeoutError) as error:
        problem = str(error) or type(error).__name__
    finally:
        record.record(visit, status, (time.perf_counter() - due) * 1000, problem)


async def _report(record: _LoadRecord, on_progress: Callable[[LoadProgress], None]) -> None:
    while True:
        on_progress(record.compute_progress())
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
