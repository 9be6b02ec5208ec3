"""`migrate`: create or update the tables in Postgres."""

from __future__ import annotations

import click
from darklaunch_comparator.store import migrate as store

from darklaunch_console.output.screen import GOOD, json_option, say, say_json
from darklaunch_console.settings import Settings
from darklaunch_console.stores import named_database, open_postgres, postgres_at


@click.command()
@json_option
@click.pass_obj
def migrate(settings: Settings, in_json: bool) -> None:
    """Create or update darklaunch's tables, in a schema of their own. Safe to run again, and by several at once."""
    applied = bring_up_to_date(settings)
    where = postgres_at(named_database(settings))
    if in_json:
        say_json({"applied": applied})
    elif applied:
        say(f"{where} has the tables of this release: applied {', '.join(applied)}.", style=GOOD)
    else:
        say(f"{where} has the tables of this release already.")


def bring_up_to_date(settings: Settings) -> list[str]:
    """Apply what is missing and name it. Raises Unreachable, NotMigrated, or ConsoleError, saying what to do."""
    with open_postgres(settings):  # what cannot be used is refused here, in one line, whatever goes wrong in the block
        return store.migrate(named_database(settings).url)
