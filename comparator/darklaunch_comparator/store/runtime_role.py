"""Rights for a role that compares, records and operates, and cannot change the tables it works on."""

from typing import Any, Final, cast

import psycopg
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from darklaunch_comparator.errors import UnfitRole

from .sql import load

_SQL: Final = load("runtime_role")


def grant_runtime_role(dsn: str, role: str) -> bool:
    """Grant an existing role what it needs in a migrated database. Run it as the role that migrates.

    Returns False when the role's time limits (statements 30 s, locks 10 s, idle transactions 60 s) could not be set,
    which needs CREATEROLE; the processes set such limits for each connection anyway. Raises UnfitRole when there is no
    such role or it could change tables all the same, and psycopg.Error.
    """
    with psycopg.connect(dsn, application_name="darklaunch-migrate") as connection:
        rights = connection.execute(_SQL["rights"], {"role": role}).fetchone()
        if rights is None:
            raise UnfitRole(
                f"there is no role {role!r}. Create it: CREATE ROLE {sql.quote(role)} LOGIN PASSWORD '…', "
                "or name another"
            )
        superuser, owner = rights
        if superuser or owner:
            why = "is a superuser" if superuser else "owns the schema"
            raise UnfitRole(f"the role {role!r} {why} and could change the tables all the same: name another")
        names = {"role": sql.Identifier(role), "database": sql.Identifier(connection.info.dbname)}
        connection.execute(_fill_in("grants", names))
        try:
            with connection.transaction():
                connection.execute(_fill_in("limits", names))
        except InsufficientPrivilege:
            return False
    return True


def _fill_in(query: str, names: dict[str, sql.Identifier]) -> sql.Composed:
    return sql.SQL(cast(Any, _SQL[query].decode())).format(**names)
