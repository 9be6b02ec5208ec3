"""`resume`: mirror a launch again."""

from __future__ import annotations

import click

from darklaunch_console.acts.mirroring import resume_launch
from darklaunch_console.acts.printing import print_act
from darklaunch_console.cli.arguments import change_arguments
from darklaunch_console.launches.change import current_actor
from darklaunch_console.settings import ConsoleSettings


@click.command()
@change_arguments
@click.pass_obj
def resume(settings: ConsoleSettings, name: str, reason: str, in_json: bool) -> None:
    """Mirror a launch again, at the share it had: end a pause, an emergency hold or a rollback."""
    print_act(resume_launch(settings, name, actor=current_actor(), reason=reason), in_json=in_json)
