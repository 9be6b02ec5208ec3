"""`pause`: stop mirroring a launch for a while."""

from __future__ import annotations

import click

from darklaunch_console.acts.mirroring import pause_launch
from darklaunch_console.acts.printing import print_act
from darklaunch_console.cli.arguments import change_arguments
from darklaunch_console.launches.change import current_actor
from darklaunch_console.settings import ConsoleSettings


@click.command()
@change_arguments
@click.pass_obj
def pause(settings: ConsoleSettings, name: str, reason: str, in_json: bool) -> None:
    """Stop mirroring a launch for a while.

    Within a second no app samples a request and no replay starts. Exchanges that wait are kept until `resume`, or
    until they are older than the launch's --max-age.
    """
    print_act(pause_launch(settings, name, actor=current_actor(), reason=reason), in_json=in_json)
