"""`verdict`: one answer for a pipeline, as an exit code."""

from __future__ import annotations

import time
from typing import Any

import click
from darklaunch_comparator.store.judgements import count_late_exchanges
from darklaunch_shared.errors import ContractError

from darklaunch_console.cli.arguments import check_launch_name, make_duration_callback
from darklaunch_console.errors import ConsoleError, NoVerdict, ServerUnreachable
from darklaunch_console.output.screen import BAD, GOOD, QUIET, STRONG, json_option, print_json, print_line
from darklaunch_console.reports.judgement import (
    JudgedLaunch,
    VerdictAnswer,
    describe_late_exchanges,
    describe_verdict,
    list_details,
    list_routes,
    read_judged_launch,
    verdict_to_json,
)
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres

EXIT_CODES = {VerdictAnswer.PROMOTE: 0, VerdictAnswer.ROLL_BACK: 1, VerdictAnswer.UNDECIDED: 2}
LOOK_EVERY_S = 2.0
TELL_EVERY_S = 30.0
_STYLES = {VerdictAnswer.PROMOTE: GOOD, VerdictAnswer.ROLL_BACK: BAD, VerdictAnswer.UNDECIDED: STRONG}


class VerdictCommand(click.Command):
    """A command whose exit codes 0, 1 and 2 are answers: what goes wrong has another one."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> click.Context:
        """Read the arguments. A usage error gets exit code 4."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as wrong:
            raise NoVerdict(f"{wrong.format_message().rstrip('.')}. See darklaunch {info_name} --help") from wrong

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. What would exit with 1 or 2 exits with 4."""
        try:
            return super().invoke(ctx)
        except ServerUnreachable:
            raise
        except (ConsoleError, ContractError) as failed:
            raise NoVerdict(str(failed)) from failed


@click.command(cls=VerdictCommand, short_help="Say promote, roll back or undecided, as exit code 0, 1 or 2.")
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
    """Say what is decided about a launch, for people and for pipelines.

    Exit code 0: promote. 1: roll back. 2: undecided. 3: a server cannot be reached. 4: wrong usage, or there is no such
    launch. A launch that a person promoted or rolled back is decided too.
    """
    began_s = told_s = time.monotonic()
    last = ""
    while True:
        with open_postgres(settings) as connection:
            found = read_judged_launch(connection, name)
            too_late = count_late_exchanges(connection, name)
        now_s = time.monotonic()
        if found.answer is not VerdictAnswer.UNDECIDED or not wait or now_s - began_s >= limit_s:
            break
        line = describe_verdict(found)
        if not in_json and (not last or now_s - told_s >= TELL_EVERY_S):
            print_line(line, style=QUIET)
            last, told_s = line, now_s
        time.sleep(min(LOOK_EVERY_S, max(0.0, limit_s - (now_s - began_s))))
    code = EXIT_CODES[found.answer]
    if in_json:
        print_json({**verdict_to_json(found), "late": too_late, "exit_code": code})
    else:
        _tell(found, too_late)
    return code


def _tell(found: JudgedLaunch, too_late: int) -> None:
    print_line(describe_verdict(found), style=_STYLES[found.answer])
    for line in [*list_details(found), *list_routes(found)]:
        print_line(f"  {line}")
    if too_late:
        print_line(f"  {describe_late_exchanges(too_late)}")
