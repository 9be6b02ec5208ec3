"""`doctor`: does everything work, and if not, what to do."""

from __future__ import annotations

from dataclasses import asdict

import click

from darklaunch_console.doctor.check_result import CheckLevel, render_results
from darklaunch_console.doctor.examination import run_checks
from darklaunch_console.errors import EXIT_FAILED
from darklaunch_console.output.screen import json_option, print_json, print_line


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, in_json: bool) -> None:
    """Check Redis, Postgres, the processes and every launch, and say what to do about what is wrong.

    Exit code 1 when something does not work; a warning alone is no failure.
    """
    results = run_checks(ctx.obj)
    failed = any(result.level is CheckLevel.FAIL for result in results)
    if in_json:
        print_json({"ok": not failed, "checks": [asdict(result) for result in results]})
    else:
        for line in render_results(results):
            print_line(line)
    ctx.exit(EXIT_FAILED if failed else 0)
