"""`watch`: a launch as it is judged, until it is promoted or rolled back."""

from __future__ import annotations

import click

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.cli.verdict_command import VerdictCommand
from darklaunch_console.output.screen import terminal_width
from darklaunch_console.reports.judgement import EXIT_CODES
from darklaunch_console.reports.watch_data import WatchReader
from darklaunch_console.reports.watch_frame import WIDEST
from darklaunch_console.reports.watch_screen import follow_launch, open_screen, print_look
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
            print_look(look, columns=terminal_width(WIDEST), in_json=in_json)
        else:
            with open_screen(in_json=in_json) as show_look:
                look = follow_launch(reader, show_look)
    finally:
        reader.close()
    return EXIT_CODES[look.judged.answer]
