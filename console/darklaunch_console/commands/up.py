"""`up`: everything in one command."""

from __future__ import annotations

import click

from darklaunch_console.cli.arguments import make_duration_callback
from darklaunch_console.cli.extras import DASHBOARD_PORT, is_dashboard_installed
from darklaunch_console.output.screen import print_line
from darklaunch_console.running.logging import log_to_stderr
from darklaunch_console.running.pipeline import StopNow, run_pipeline
from darklaunch_console.settings import ConsoleSettings


@click.command()
@click.option("--workers", type=click.IntRange(1, 256), default=2, show_default=True, help="Worker processes.")
@click.option("--comparators", type=click.IntRange(1, 64), default=1, show_default=True, help="Comparator processes.")
@click.option(
    "--drain",
    callback=make_duration_callback(),
    default="10s",
    metavar="TIME",
    help="How long to finish exchanges at the end.  [default: 10s]",
)
@click.option("--dashboard/--no-dashboard", default=True, help="Show it in a browser, too.  [default: yes]")
@click.pass_obj
def up(settings: ConsoleSettings, workers: int, comparators: int, drain: float, dashboard: bool) -> None:
    """Run everything: Redis and Postgres unless URLs name them, the tables, workers, a comparator and the dashboard.

    The servers' data is kept for the next run. Ctrl-C finishes exchanges in progress, then stops; twice stops at once.
    """
    log_to_stderr("up")
    try:
        port = DASHBOARD_PORT if dashboard and is_dashboard_installed() else None
        run_pipeline(settings, workers=workers, comparators=comparators, drain_s=drain, dashboard_port=port)
    except StopNow:
        raise KeyboardInterrupt from None
    print_line("Stopped.")
