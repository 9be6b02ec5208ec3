"""`start`: begin a launch."""

from __future__ import annotations

from typing import Any, TextIO

import click
from darklaunch_comparator.judging.policy import JudgeMode, JudgePolicy

from darklaunch_console.cli.arguments import launch_argument, read_optional_percentage, reason_option
from darklaunch_console.cli.launch_options import launch_options
from darklaunch_console.launches.change import current_actor
from darklaunch_console.launches.policy import build_policy
from darklaunch_console.launches.specification import build_spec
from darklaunch_console.launches.start import describe_start, describe_start_warnings, start_as_json, start_launch
from darklaunch_console.output.screen import (
    GOOD,
    json_option,
    print_json,
    print_line,
    print_lines,
    print_warning,
    wrap_text,
)
from darklaunch_console.settings import ConsoleSettings


@click.command()
@launch_argument
@click.option(
    "--percent",
    callback=read_optional_percentage,
    metavar="N",
    help="Share of requests to mirror.  [default: 10, or the first step of --ramp auto]",
)
@launch_options
@click.option(
    "--ramp",
    type=click.Choice([mode.value for mode in JudgeMode]),
    help="auto: raise the share, promote, roll back; manual: roll back; advise: never act.  [default: advise]",
)
@click.option("--policy", type=click.File(), metavar="FILE", help="The limits it is judged by, TOML or JSON.")
@reason_option
@json_option
@click.pass_obj
def start(
    settings: ConsoleSettings,
    /,
    name: str,
    percent: float | None,
    reason: str,
    in_json: bool,
    ramp: str | None,
    policy: TextIO | None,
    **options: Any,
) -> None:
    """Start a launch: mirror a share of the real requests to a shadow, after the users have been answered.

    Reads (GET, HEAD, OPTIONS) are mirrored; a write only where --allow names its method and path.

    \b
      darklaunch start checkout-v2 --shadow http://10.0.3.7:8000
      darklaunch start search-v3 --shadow http://search --allow 'POST /search'
    """
    judge_policy = build_policy(policy, (f'mode="{ramp}"',) if ramp else (), JudgePolicy())
    spec = build_spec(**options, author=current_actor(), reason=reason)
    started = start_launch(settings, name, spec, judge_policy, percent, reason)
    if in_json:
        print_json(start_as_json(started))
        return
    first, *notes = describe_start(started)
    for line in wrap_text(first, more="  "):
        print_line(line, style=GOOD)
    for note in notes:
        print_lines(wrap_text(note.strip(), "  ", "  "))
    for warning in describe_start_warnings(started):
        print_warning(warning)
