"""`migrate`: create or update the tables in Postgres."""

from __future__ import annotations

import click
from darklaunch_comparator.errors import UnfitRole
from darklaunch_comparator.store import migrate as store
from darklaunch_comparator.store.runtime_role import grant_runtime_role

from darklaunch_console.errors import ConsoleError
from darklaunch_console.output.screen import GOOD, json_option, make_printable, print_json, print_line, print_warning
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import name_postgres, open_postgres, require_database


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
    where = name_postgres(require_database(settings))
    limited = _grant(settings, runtime_role) if runtime_role else None
    if in_json:
        granted = {"runtime_role": runtime_role, "limits_set": limited} if runtime_role else {}
        print_json({"applied": applied, **granted})
        return
    _tell(applied, where)
    if runtime_role:
        print_line(f"The role {make_printable(runtime_role)} may work on them, and change none of them.", style=GOOD)
    if limited is False:
        print_warning(
            "its limits on time are not set, which takes the right to alter roles; connections set the same anyhow."
        )


def _grant(settings: ConsoleSettings, role: str) -> bool:
    try:
        with open_postgres(settings):
            return grant_runtime_role(require_database(settings).url, role)
    except UnfitRole as unfit:
        raise ConsoleError(str(unfit)) from None


def _tell(applied: list[str], where: str) -> None:
    if applied:
        print_line(f"{where} has the tables of this release: applied {', '.join(applied)}.", style=GOOD)
    else:
        print_line(f"{where} has the tables of this release already.")


def bring_up_to_date(settings: ConsoleSettings) -> list[str]:
    """Apply the missing migrations and return their names. Raises ConsoleError when the database cannot be used."""
    with open_postgres(settings):  # what cannot be used is refused here, in one line, whatever goes wrong in the block
        return store.migrate(require_database(settings).url)
