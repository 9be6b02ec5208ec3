"""`watch`: a launch as it is judged, until it is promoted or rolled back."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from functools import partial

import click
from darklaunch_shared.process.safe_json import dump_safe_json

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.cli.verdict_command import VerdictCommand
from darklaunch_console.output.live_screen import can_redraw, open_live_screen
from darklaunch_console.output.screen import make_printable, print_line, style_text, terminal_width
from darklaunch_console.reports.judgement import EXIT_CODES
from darklaunch_console.reports.watch_data import WatchData, WatchReader, watch_to_json
from darklaunch_console.reports.watch_frame import WIDEST, describe_news, render_frame, render_news
from darklaunch_console.reports.watch_loop import ShowLook, follow_launch
from darklaunch_console.settings import ConsoleSettings


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
    reader = WatchReader(settings, name)
    try:
        if once:
            look = reader.look()
            _print_look(look, in_json=in_json)
        else:
            with _open_view(in_json=in_json) as show_look:
                look = follow_launch(reader, show_look)
    finally:
        reader.close()
    return EXIT_CODES[look.judged.answer]


def _print_look(look: WatchData, *, in_json: bool) -> None:
    if in_json:
        click.echo(dump_safe_json(watch_to_json(look)))
        return
    for line in render_frame(look, terminal_width(WIDEST)):
        print_line("".join(style_text(text, style) for text, style in line))


@contextlib.contextmanager
def _open_view(*, in_json: bool) -> Generator[ShowLook]:
    """Yield what shows a look: a live frame on a terminal, else a line for each change."""
    if in_json or not can_redraw():
        yield _make_line_printer(in_json=in_json)
        return
    with open_live_screen() as draw_frame:
        yield lambda look, trouble: draw_frame(partial(render_frame, look, trouble=trouble))


def _make_line_printer(*, in_json: bool) -> ShowLook:
    last_news: object = None
    away = False

    def show_look(look: WatchData, trouble: str) -> None:
        nonlocal last_news, away
        if bool(trouble) != away:
            away = bool(trouble)
            click.echo(make_printable(trouble, 500) or "Postgres responds again.", err=True)
        news = look.news if in_json else describe_news(look)
        if not trouble and news != last_news:
            last_news = news
            click.echo(dump_safe_json(watch_to_json(look))) if in_json else print_line(render_news(look))
            sys.stdout.flush()

    return show_look
