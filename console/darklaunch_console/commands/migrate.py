"""`migrate`: create or update the tables in Postgres."""

from __future__ import annotations

import click
from darklaunch_comparator.errors import UnfitRole
from darklaunch_comparator.store import migrate as store
from darklaunch_comparator.store.runtime_role import grant_runtime

from darklaunch_console.errors import ConsoleError
from darklaunch_console.output.screen import GOOD, from_outside, json_option, say, say_json, warn
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import named_database, open_postgres, postgres_at


@click.command()
@click.option("--runtime-role", default="", metavar="ROLE", help="Let this role work on the tables, not change them.")
@json_option
@click.pass_obj
def migrate(settings: ConsoleSettings, runtime_role: str, in_json: bool) -> None:
    """Create or update darklaunch's tables, in a schema of their own. Safe to run again, and by several at once.

    With --runtime-role the role, which must exist, gets what comparators and commands need and nothing more: give them
    a DATABASE_URL with it, and keep the one that migrates for migrations.
    """
    applied = bring_up_to_date(settings)
    where = postgres_at(named_database(settings))
    limited = _grant(settings, runtime_role) if runtime_role else None
    if in_json:
        granted = {"runtime_role": runtime_role, "limits_set": limited} if runtime_role else {}
        say_json({"applied": applied, **granted})
        return
    _tell(applied, where)
    if runtime_role:
        say(f"The role {from_outside(runtime_role)} may work on them, and change none of them.", style=GOOD)
    if limited is False:
        warn("its limits on time are not set, which takes the right to alter roles; connections set the same anyhow.")


def _grant(settings: ConsoleSettings, role: str) -> bool:
    try:
        with open_postgres(settings):
            return grant_runtime(named_database(settings).url, role)
    except UnfitRole as unfit:
        raise ConsoleError(str(unfit)) from None


def _tell(applied: list[str], where: str) -> None:
    if applied:
        say(f"{where} has the tables of this release: applied {', '.join(applied)}.", style=GOOD)
    else:
        say(f"{where} has the tables of this release already.")


def bring_up_to_date(settings: ConsoleSettings) -> list[str]:
    """Apply the missing migrations and return their names. Raises ConsoleError when the database cannot be used."""
    with open_postgres(settings):  # what cannot be used is refused here, in one line, whatever goes wrong in the block
        return store.migrate(named_database(settings).url)
