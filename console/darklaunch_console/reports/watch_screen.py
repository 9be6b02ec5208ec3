"""Watching on a terminal: a frame that is drawn again and again, or a line for each change."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Generator
from typing import Final

import click
import orjson
from rich.console import Console
from rich.live import Live
from rich.text import Text

from darklaunch_console.errors import AccessRefused, DatabaseNotMigrated, ServerUnreachable
from darklaunch_console.output.numbers import format_seconds
from darklaunch_console.output.screen import print_line, style_text
from darklaunch_console.output.text import join_lines

from .watch_data import WatchData, WatchReader, watch_to_json
from .watch_frame import Line, render_frame, render_news

LOOK_EVERY_S: Final = 1.0
REST: Final = 4.0
"""A look is followed by a rest at least so many times as long, so that watching puts no load on Postgres."""

ShowLook = Callable[[WatchData, str], None]
"""Shows a look; the text says why it is stale, "" when it is not."""


def follow_launch(reader: WatchReader, show_look: ShowLook) -> WatchData:
    """Read and show a launch until it has ended. A Postgres that goes away after the first look is waited for."""
    look = reader.look()
    away_since_s: float | None = None
    show_look(look, "")
    while not look.ended:
        began_s = time.monotonic()
        try:
            look = reader.look()
            away_since_s = None
            trouble = ""
        except (AccessRefused, DatabaseNotMigrated):
            raise
        except ServerUnreachable as gone:
            away_since_s = away_since_s or began_s
            duration = format_seconds(round(time.monotonic() - away_since_s))
            trouble = f"{join_lines(str(gone))} Trying again, for {duration} now."
        show_look(look, trouble)
        time.sleep(max(LOOK_EVERY_S, REST * (time.monotonic() - began_s)))
    return look


@contextlib.contextmanager
def open_screen(*, in_json: bool) -> Generator[ShowLook]:
    """Yield what shows a look: a live frame on a terminal, else a line for each change."""
    if in_json or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        yield _make_line_printer(in_json=in_json)
        return
    console = Console(highlight=False)
    size = console.size
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:

        def show_look(look: WatchData, trouble: str) -> None:
            nonlocal size
            if console.size != size:  # the terminal has wrapped the lines of the last frame: nothing is where it was
                size = console.size
                console.clear()
            live.update(_build_text(render_frame(look, size.width, size.height - 1, trouble)), refresh=True)

        yield show_look


def print_look(look: WatchData, *, columns: int, in_json: bool) -> None:
    """Print one look, as a frame or as a JSON object on a line."""
    if in_json:
        _print_json_line(look)
        return
    for line in render_frame(look, columns):
        print_line("".join(style_text(text, style) for text, style in line) if line else "")


def _make_line_printer(*, in_json: bool) -> ShowLook:
    last_news: tuple[object, ...] = ()
    away = False

    def show_look(look: WatchData, trouble: str) -> None:
        nonlocal last_news, away
        if bool(trouble) != away:
            away = bool(trouble)
            click.echo(trouble or "Postgres responds again.", err=True)
        if not trouble and look.news != last_news:
            last_news = look.news
            _print_json_line(look) if in_json else print_line(render_news(look))
            sys.stdout.flush()

    return show_look


def _print_json_line(look: WatchData) -> None:
    click.echo(orjson.dumps(watch_to_json(look)))


def _build_text(lines: list[Line]) -> Text:
    return Text("\n", no_wrap=True, overflow="crop").join(Text.assemble(*line) if line else Text() for line in lines)
