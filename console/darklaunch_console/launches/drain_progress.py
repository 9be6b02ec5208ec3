"""The bar that shows how far `drain` has come, on a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from .drain import ExchangesInProgress, describe_in_progress


@contextlib.contextmanager
def show_progress(*, wanted: bool) -> Generator[Callable[[ExchangesInProgress], None]]:
    """Return a function that shows what is in progress, on a terminal; elsewhere it does nothing."""
    console = Console(stderr=True)
    if not wanted or not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading the streams", total=1)
        total = 1

        def update_bar(progress: ExchangesInProgress) -> None:
            nonlocal total
            total = max(total, progress.total)
            bar.update(task, total=total, completed=total - progress.total, description=describe_in_progress(progress))

        yield update_bar
