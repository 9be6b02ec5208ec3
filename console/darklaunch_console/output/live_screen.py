"""A frame on the terminal that is drawn again and again in its place."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Generator, Sequence

from rich.console import Console
from rich.live import Live
from rich.text import Text

from .screen import StyledLine

Frame = Sequence[Sequence[StyledLine]]
"""Lines, each of them as spans of one style."""
RenderFrame = Callable[[int, int], Frame]
"""Returns a frame for so many columns and rows."""
DrawFrame = Callable[[RenderFrame], None]


def can_redraw() -> bool:
    """True if stdout is a terminal on which lines can be drawn over."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


@contextlib.contextmanager
def open_live_screen() -> Generator[DrawFrame]:
    """Yield a function that draws a frame, sized for the terminal as it is now, in place of the one before."""
    console = Console(highlight=False)
    size = console.size
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:

        def draw_frame(render: RenderFrame) -> None:
            nonlocal size
            if console.size != size:  # the terminal has wrapped the lines of the last frame: nothing is where it was
                size = console.size
                console.clear()
            live.update(_build_text(render(size.width, size.height - 1)), refresh=True)

        yield draw_frame


def _build_text(frame: Frame) -> Text:
    return Text("\n", no_wrap=True, overflow="crop").join(Text.assemble(*line) if line else Text() for line in frame)
