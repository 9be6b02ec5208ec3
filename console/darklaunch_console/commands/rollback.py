"""`rollback`: stop a launch at once."""

from __future__ import annotations

import click

from darklaunch_console.cli.arguments import change_arguments
from darklaunch_console.launches.change import current_actor
from darklaunch_console.launches.launch_json import change_to_json
from darklaunch_console.launches.rollback import RollbackResult, roll_back_launch
from darklaunch_console.output.screen import WARN, print_json, print_line, print_warning
from darklaunch_console.settings import ConsoleSettings


@click.command()
@change_arguments
@click.pass_obj
def rollback(settings: ConsoleSettings, name: str, reason: str, in_json: bool) -> None:
    """End a launch as a failure: within a second no app samples a request and no replay starts, everywhere.

    Needs Redis alone. When Postgres cannot be reached, the comparator records the rollback as soon as it can.
    """
    result = roll_back_launch(settings, name, actor=current_actor(), reason=reason)
    if in_json:
        print_json(_to_json(name, result))
    elif not result.changed:
        print_line(f"{name} is rolled back already: nothing is mirrored.")
    else:
        print_line(f"{name} is rolled back: within a second nothing is mirrored any more.", style=WARN)
        print_line("  Exchanges in progress are dropped, not compared (superseded_by_rollback).")
        print_line(f"  Next: darklaunch report {name}; darklaunch resume {name} mirrors again")
    if result.not_recorded:
        print_warning(f"Redis has the rollback, the record has not: {result.not_recorded}.")


def _to_json(name: str, result: RollbackResult) -> dict[str, object]:
    if result.state is None:
        return {"launch": name, "hold": True, "changed": True, "recorded": not result.not_recorded}
    return change_to_json(result.state, changed=result.changed, recorded=not result.not_recorded)
