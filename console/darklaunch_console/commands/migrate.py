"""`migrate`: create or update the tables in Postgres."""

from __future__ import annotations

import click

from darklaunch_console.output.screen import GOOD, json_option, make_printable, print_json, print_line, print_warning
from darklaunch_console.running.database import adopt_redis, grant_role, migrate_database
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import name_postgres, require_database


@click.command()
@click.option("--runtime-role", default="", metavar="ROLE", help="Let this role read and write rows, no more.")
@click.option("--adopt-redis", "adopts", is_flag=True, help="The database's launches are on this Redis from now on.")
@json_option
@click.pass_obj
def migrate(settings: ConsoleSettings, runtime_role: str, adopts: bool, in_json: bool) -> None:
    """Create or update darklaunch's tables, in a schema of their own. Safe to run again, and by several at once.

    With --runtime-role the role, which must exist, gets what comparators and commands need and nothing more: give them
    a DATABASE_URL with it, and keep the one that migrates for migrations.

    --adopt-redis is for a Redis that has moved: another than the database's own is refused, so that the launches of one
    installation are never published in another.
    """
    applied = migrate_database(settings)
    limits_set = grant_role(settings, runtime_role) if runtime_role else None
    redis = adopt_redis(settings) if adopts else None
    if in_json:
        granted = {"runtime_role": runtime_role, "limits_set": limits_set} if runtime_role else {}
        print_json({"applied": applied, **granted, **({"redis": redis} if redis else {})})
        return
    database = name_postgres(require_database(settings))
    if applied:
        print_line(f"{database} has the tables of this release: applied {', '.join(applied)}.", style=GOOD)
    else:
        print_line(f"{database} has the tables of this release already.")
    if runtime_role:
        role = make_printable(runtime_role)
        print_line(f"The role {role} may read and write their rows, but cannot alter tables.", style=GOOD)
    if redis:
        print_line(f"Its launches are on the Redis at {redis}.", style=GOOD)
    if limits_set is False:
        print_warning("its time limits are not set: that takes the right to alter roles. Connections set them as well.")
