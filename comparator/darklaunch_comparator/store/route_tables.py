"""The routes of the apps that exchanges come from: rows of darklaunch.route_table."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from psycopg import Connection

from .sql import load

_SQL: Final = load("route_tables")


def save_route_tables(connection: Connection[Any], rows: Sequence[Mapping[str, Any]], *, retention_days: int) -> None:
    """Write route tables, and remove those that no app has published for `retention_days`.

    Each row has `app`, `fingerprint`, `framework`, `routes` (JSON), `omitted` and `seen_s`.
    """
    with connection.transaction(), connection.cursor() as cursor:
        if rows:
            cursor.executemany(_SQL["save"], rows)
        cursor.execute(_SQL["remove_old"], {"days": retention_days})


def read_routes(connection: Connection[Any], app: str = "") -> tuple[list[tuple[str, str]], int]:
    """Return the routes of an app as (method, template), and how many more routes its tables left out.

    Without `app`, the routes of all apps.
    """
    routes = [(method, template) for method, template in connection.execute(_SQL["routes"], {"app": app})]
    row = connection.execute(_SQL["omitted"], {"app": app}).fetchone()
    return routes, 0 if row is None else int(row[0])
