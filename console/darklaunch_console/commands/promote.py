"""`promote`: end a launch as a success."""

from __future__ import annotations

import click

from darklaunch_console.acts.printing import print_act
from darklaunch_console.acts.promotion import promote_launch
from darklaunch_console.cli.arguments import change_arguments
from darklaunch_console.launches.change import current_actor
from darklaunch_console.settings import ConsoleSettings

ADVICE = "If you know better: --anyway --reason 'why'"


@click.command()
@change_arguments
@click.option("--anyway", is_flag=True, help="Promote against the verdict; needs --reason, which is recorded.")
@click.pass_obj
def promote(settings: ConsoleSettings, name: str, reason: str, in_json: bool, anyway: bool) -> None:
    """End a launch as a success. Mirroring stops; sending users to the new version is your deployment's task.

    Refused when the verdict is to roll back, when nothing has been judged yet, while endpoints that carry much traffic
    are not judged, and when the launch was rolled back or is held. With --anyway a rollback or hold is lifted.
    """
    result = promote_launch(settings, name, actor=current_actor(), reason=reason, anyway=anyway, advice=ADVICE)
    print_act(result, in_json=in_json)
