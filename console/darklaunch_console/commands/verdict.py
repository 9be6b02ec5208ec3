"""`verdict`: one answer for a pipeline, as an exit code."""

from __future__ import annotations

import time

import click
from darklaunch_comparator.store.judgements import count_late_exchanges

from darklaunch_console.cli.arguments import check_launch_name, make_duration_callback
from darklaunch_console.cli.verdict_command import VerdictCommand
from darklaunch_console.output.screen import QUIET, json_option, print_json, print_line, print_styled
from darklaunch_console.reports.judgement import EXIT_CODES, VerdictAnswer, read_judged_launch
from darklaunch_console.reports.verdict_json import verdict_to_json
from darklaunch_console.reports.verdict_text import describe_verdict, render_verdict
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres

LOOK_EVERY_S = 2.0
REPEAT_EVERY_S = 30.0


@click.command(cls=VerdictCommand, short_help="Answer promote, roll back or undecided, as exit code 0, 1 or 2.")
@click.argument("name", callback=check_launch_name)
@click.option("--wait", is_flag=True, help="Wait until it is decided.")
@click.option(
    "--timeout",
    "limit_s",
    callback=make_duration_callback(0.001, 30 * 86_400),
    default="30m",
    metavar="TIME",
    help="Wait no longer than this.  [default: 30m]",
)
@json_option
@click.pass_obj
def verdict(settings: ConsoleSettings, name: str, wait: bool, limit_s: float, in_json: bool) -> int:
    """Answer what is decided about a launch, for people and for pipelines.

    Exit code 0: promote. 1: roll back. 2: undecided. 3: a server cannot be reached. 4: wrong usage, or there is no such
    launch. A launch that a person promoted or rolled back is decided too.
    """
    began_s = time.monotonic()
    repeat_at_s = began_s
    while True:
        with open_postgres(settings) as connection:
            judged = read_judged_launch(connection, name)
            late = count_late_exchanges(connection, name)
        now_s = time.monotonic()
        left_s = began_s + limit_s - now_s
        if judged.answer is not VerdictAnswer.UNDECIDED or not wait or left_s <= 0:
            break
        if not in_json and now_s >= repeat_at_s:
            print_line(describe_verdict(judged), style=QUIET)
            repeat_at_s = now_s + REPEAT_EVERY_S
        time.sleep(min(LOOK_EVERY_S, left_s))
    code = EXIT_CODES[judged.answer]
    if in_json:
        print_json({**verdict_to_json(judged), "late": late, "exit_code": code})
    else:
        print_styled(render_verdict(judged, late))
    return code
