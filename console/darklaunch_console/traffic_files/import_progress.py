"""The line that shows how far an import has come, on a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from .player import ImportCounts
from .player import Progress as OnProgress


@contextlib.contextmanager
def show_import_progress(path: str, *, wanted: bool) -> Generator[OnProgress]:
    """Return a function that shows the counts so far, on a terminal; elsewhere it does nothing."""
    console = Console(stderr=True)
    if not wanted or not console.is_terminal:
        yield lambda _counts, _waits_for: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as line:
        task = line.add_task(f"{path}: reading")

        def update_line(counts: ImportCounts, waits_for: str) -> None:
            waiting = f", waiting for {waits_for}" if waits_for else ""
            line.update(task, description=f"{path}: {counts.read:,} read, {counts.mirrored:,} mirrored{waiting}")

        yield update_line
