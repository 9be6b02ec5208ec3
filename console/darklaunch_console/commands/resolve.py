"""`resolve`: declare mismatches repaired."""

from __future__ import annotations

import click

from darklaunch_console.cli.arguments import launch_argument, reason_option
from darklaunch_console.launches.change import current_actor
from darklaunch_console.launches.decision_text import decisions_to_json, render_decisions
from darklaunch_console.launches.signatures import record_decisions
from darklaunch_console.output.screen import json_option, print_json, print_styled
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres

CONSEQUENCE = "Each is open again if a later exchange shows it, under any build of the shadow."


@click.command()
@launch_argument
@click.argument("fingerprints", nargs=-1, required=True, metavar="FINGERPRINT...")
@reason_option
@json_option
@click.pass_obj
def resolve(settings: ConsoleSettings, name: str, fingerprints: tuple[str, ...], reason: str, in_json: bool) -> None:
    """Declare mismatches repaired: each is open again if a later exchange shows it, under any build."""
    with open_postgres(settings) as connection:
        decisions = record_decisions(connection, name, fingerprints, "resolved", actor=current_actor(), reason=reason)
    if in_json:
        print_json(decisions_to_json(decisions))
    else:
        print_styled(render_decisions(name, decisions, "resolved", CONSEQUENCE))
