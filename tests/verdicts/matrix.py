"""The matrix, run: some rows at a time, each a launch of its own on one pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from .launch_run import LaunchRun, run_launch
from .row import Row
from .stage import ONE_WRITER, Stage, open_stage


def run_rows(
    rows: Sequence[Row],
    redis_url: str,
    dsn: str,
    directory: Path,
    *,
    at_once: int,
    on_end: Callable[[LaunchRun], None] = lambda _run: None,
) -> list[LaunchRun]:
    """Run rows on servers that are there, `at_once` at a time, and return what came of them in the order of the rows.

    A busy row runs with all processors taken; it runs alone, when all others are over.
    """
    with open_stage(redis_url, dsn, directory) as stage:
        return asyncio.run(_run_all(stage, rows, at_once, on_end))


async def _run_all(
    stage: Stage, rows: Sequence[Row], at_once: int, on_end: Callable[[LaunchRun], None]
) -> list[LaunchRun]:
    slots = asyncio.Semaphore(at_once)
    runs: dict[int, LaunchRun] = {}

    async def run_one(number: int, row: Row) -> None:
        async with slots:
            try:
                run = await run_launch(stage, row, f"row-{number + 1:02}")
            except Exception as error:
                run = LaunchRun(row, problems=[f"{type(error).__name__}: {error}"])
            runs[number] = run
            await asyncio.to_thread(_report_end, on_end, run)

    numbered = list(enumerate(rows))
    await asyncio.gather(*(run_one(number, row) for number, row in numbered if not row.busy))
    for number, row in numbered:
        if row.busy:
            await run_one(number, row)
    return [runs[number] for number in sorted(runs)]


def _report_end(on_end: Callable[[LaunchRun], None], run: LaunchRun) -> None:
    with ONE_WRITER:
        on_end(run)
