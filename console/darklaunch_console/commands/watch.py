"""`watch`: a launch as it is judged, until it is promoted or rolled back."""

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

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import AccessRefused, DatabaseNotMigrated, ServerUnreachable
from darklaunch_console.output.numbers import format_seconds
from darklaunch_console.output.screen import print_line, style_text, terminal_width
from darklaunch_console.output.text import join_lines
from darklaunch_console.reports.watch_data import WatchData, WatchReader, watch_to_json
from darklaunch_console.reports.watch_frame import WIDEST, Line, render_frame, render_news
from darklaunch_console.settings import ConsoleSettings

from .verdict import EXIT_CODES, VerdictCommand

LOOK_EVERY_S: Final = 1.0
REST: Final = 4.0
"""A look that takes long is followed by a rest so many times as long: watching is no load."""

Show = Callable[[WatchData, str], None]


@click.command(cls=VerdictCommand, short_help="Watch a launch live, until it is promoted or rolled back.")
@click.argument("name", callback=check_launch_name)
@click.option("--once", is_flag=True, help="Show it as it is now, and end.")
@click.option("--json", "in_json", is_flag=True, help="Print one JSON object per line, one for each change.")
@click.pass_obj
def watch(settings: ConsoleSettings, name: str, once: bool, in_json: bool) -> int:
    """Show a launch as it is judged: verdict, share, ledger, rates, evidence and latency. Ctrl-C ends it, code 130.

    Ends by itself when the launch is promoted (exit code 0) or rolled back (1). Where stdout is no terminal it prints a
    line for each change. --once exits like `verdict`: 0 promote, 1 roll back, 2 undecided. 3: a server cannot be
    reached. 4: wrong usage, or there is no such launch.
    """
    watcher = WatchReader(settings, name)
    try:
        if once:
            look = watcher.look()
            _print(look, in_json=in_json)
        else:
            with _screen(in_json=in_json) as show:
                look = _watch(watcher, show)
    finally:
        watcher.close()
    return EXIT_CODES[look.judged.answer]


def _watch(watcher: WatchReader, show: Show) -> WatchData:
    """Look and show until the launch has ended. A Postgres that goes away after the first look is waited for."""
    look, since_s = watcher.look(), 0.0
    show(look, "")
    while not look.ended:
        began_s = time.monotonic()
        try:
            look, since_s, trouble = watcher.look(), 0.0, ""
        except (AccessRefused, DatabaseNotMigrated):
            raise
        except ServerUnreachable as gone:
            since_s = since_s or began_s
            trouble = (
                f"{join_lines(str(gone))} Trying again, for {format_seconds(round(time.monotonic() - since_s))} now."
            )
        show(look, trouble)
        time.sleep(max(LOOK_EVERY_S, REST * (time.monotonic() - began_s)))
    return look


@contextlib.contextmanager
def _screen(*, in_json: bool) -> Generator[Show]:
    """Give what shows a look: a live frame on a terminal, else a line for each change."""
    if in_json or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        yield _lines(in_json=in_json)
        return
    console = Console(highlight=False)
    size = console.size
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:

        def show(look: WatchData, trouble: str) -> None:
            nonlocal size
            if console.size != size:  # the terminal has folded what stood there: nothing is where it was
                size = console.size
                console.clear()
            live.update(_text(render_frame(look, size.width, size.height - 1, trouble)), refresh=True)

        yield show


def _lines(*, in_json: bool) -> Show:
    told: tuple[object, ...] = ()
    away = False

    def show(look: WatchData, trouble: str) -> None:
        nonlocal told, away
        if bool(trouble) != away:
            away = bool(trouble)
            click.echo(trouble or "Postgres answers again.", err=True)
        if not trouble and look.news != told:
            told = look.news
            _say_line(look) if in_json else print_line(render_news(look))
            sys.stdout.flush()

    return show


def _print(look: WatchData, *, in_json: bool) -> None:
    if in_json:
        _say_line(look)
        return
    for line in render_frame(look, terminal_width(WIDEST)):
        print_line("".join(style_text(text, style) for text, style in line) if line else "")


def _say_line(look: WatchData) -> None:
    click.echo(orjson.dumps(watch_to_json(look)))


def _text(lines: list[Line]) -> Text:
    return Text("\n", no_wrap=True, overflow="crop").join(Text.assemble(*line) if line else Text() for line in lines)
