"""Where the demo tells its story: lines and, on a terminal, one line of progress below them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass

import click
from darklaunch_comparator.store.report_queries import LaunchLedger
from rich.console import Console
from rich.live import Live
from rich.text import Text

from darklaunch_console.output.screen import wrap_text

from .load import LoadProgress


@dataclass(frozen=True, slots=True)
class DemoNarrator:
    """Prints the story: `print_text(text, style)` a line, `show_progress` how far the visitors are."""

    print_text: Callable[[str, str], None]
    show_progress: Callable[[LoadProgress, LaunchLedger], None]

    def tell(self, text: str = "", *, style: str = "", indent: str = "  ") -> None:
        """Print a sentence, broken into lines that fit the terminal."""
        for line in wrap_text(text, indent if text else ""):
            self.print_text(line, style)


@contextlib.contextmanager
def open_narrator(*, to_stderr: bool) -> Generator[DemoNarrator]:
    """Return a narrator that prints to stdout, or to stderr where stdout is for JSON."""
    console = Console(stderr=to_stderr, highlight=False)
    if not console.is_terminal:
        yield DemoNarrator(lambda text, _style: click.echo(text, err=to_stderr), lambda _progress, _ledger: None)
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield DemoNarrator(
            lambda text, style: console.print(Text(text, style=style), soft_wrap=True),
            lambda progress, ledger: live.update(_render_progress(progress, ledger)),
        )


def _render_progress(progress: LoadProgress, ledger: LaunchLedger) -> Text:
    compared = ledger.matched + ledger.mismatched + ledger.ignored
    return Text(
        f"  {progress.sent:,} visitors, {progress.errors} errors, median {progress.p50_ms:.1f} ms; "
        f"{ledger.sampled:,} reads mirrored, {compared:,} compared, {ledger.mismatched:,} differ"
    )
