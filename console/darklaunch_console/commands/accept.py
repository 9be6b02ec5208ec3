"""`accept`: declare mismatches intended."""

from __future__ import annotations

import click

from darklaunch_console.cli.arguments import launch_argument
from darklaunch_console.errors import BadUsage
from darklaunch_console.launches.change import current_actor
from darklaunch_console.launches.decision_text import decisions_to_json, render_decisions
from darklaunch_console.launches.signatures import record_decisions
from darklaunch_console.output.screen import json_option, print_json, print_styled
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres

CONSEQUENCE = (
    "The verdict leaves them out within seconds; all other evidence stays. Each is open again when it appears under "
    "another build of the shadow."
)


@click.command()
@launch_argument
@click.argument("fingerprints", nargs=-1, required=True, metavar="FINGERPRINT...")
@click.option("--reason", required=True, metavar="TEXT", help="Why; shown in the launch's history.")
@json_option
@click.pass_obj
def accept(settings: ConsoleSettings, name: str, fingerprints: tuple[str, ...], reason: str, in_json: bool) -> None:
    """Declare mismatches intended: they are still counted and listed, but are no longer problems.

    FINGERPRINT is shown by `darklaunch mismatches`; its first 4 digits or more are enough. A signature is accepted for
    the builds of the shadow it was seen under: under another build it is open again.
    """
    if not reason.strip():
        raise BadUsage("--reason is empty: say why the shadow is meant to differ, for whoever asks in a month")
    with open_postgres(settings) as connection:
        decisions = record_decisions(connection, name, fingerprints, "accepted", actor=current_actor(), reason=reason)
    if in_json:
        print_json(decisions_to_json(decisions))
    else:
        print_styled(render_decisions(name, decisions, "accepted", CONSEQUENCE))
