"""`ramp`: change the share of requests that a launch mirrors."""

from __future__ import annotations

import click

from darklaunch_console.acts.mirroring import ramp_launch
from darklaunch_console.acts.printing import print_act
from darklaunch_console.cli.arguments import launch_argument, read_percentage, reason_option
from darklaunch_console.launches.change import current_actor
from darklaunch_console.output.screen import json_option
from darklaunch_console.settings import ConsoleSettings


@click.command()
@launch_argument
@click.argument("percent", callback=read_percentage)
@reason_option
@json_option
@click.pass_obj
def ramp(settings: ConsoleSettings, name: str, percent: float, reason: str, in_json: bool) -> None:
    """Change the share of requests that is mirrored, in percent, 0 to 100.

    With --sticky sampling everybody who is mirrored stays so when the share is raised. 0 mirrors nothing new and lets
    what is in progress finish.
    """
    print_act(ramp_launch(settings, name, percent, actor=current_actor(), reason=reason), in_json=in_json)
