"""Telling which routes the app has, so that a report can say which of them were never mirrored."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any, Final

from darklaunch_shared import keys
from darklaunch_shared.redis.script_calls import call_script
from darklaunch_shared.wire.route_table import MOST_TABLES, Route, RouteTable, registry_field, route_heartbeat

from darklaunch.internal_errors import ErrorLog
from darklaunch.routes.route_table import read_routes

from .redis_connection import REPLIES, RedisConnection

log = logging.getLogger("darklaunch")

AGAIN_S: Final = 60.0  # Redis may have lost it, and a table that nobody repeats is forgotten after ten minutes
LOOK_S: Final = 2.0  # Django has its routes only once it was asked for one

Apps = Callable[[], Iterable[Any]]


class RoutePublisher:
    """Publishes the route tables of the apps behind this process's hooks as one."""

    def __init__(self, wire: RedisConnection, app_name: str, apps: Apps) -> None:
        self._wire, self._app_name, self._apps = wire, app_name, apps
        self._due_s = 0.0
        self._refused = False
        self._complaint = ErrorLog()

    def write(self) -> None:
        """Publish when it is due. Raises Trouble."""
        now_s = monotonic()
        if now_s < self._due_s:
            return
        self._due_s = now_s + LOOK_S
        try:
            table = self._table()
        except Exception:  # what a framework holds may be anything
            self._due_s = now_s + AGAIN_S
            self._complaint.log("listing the app's routes")
            return
        if table is not None:
            self._due_s = now_s + AGAIN_S
            self._publish(table)

    def _table(self) -> RouteTable | None:
        framework, routes = "", list[Route]()
        for app in self._apps():
            found = read_routes(app)
            if found is not None:
                framework = found[0]
                routes += found[1]
        return RouteTable.of(self._app_name, framework, routes) if routes else None

    def _publish(self, table: RouteTable) -> None:
        try:
            known, held = self._wire.ask([("HEXISTS", keys.ROUTES, registry_field(table)), ("HLEN", keys.ROUTES)])
            if isinstance(known, int) and isinstance(held, int) and (known or held < MOST_TABLES):
                call_script(self._wire, route_heartbeat(keys.ROUTES, table))
        except REPLIES as refusal:
            if not self._refused:
                self._refused = True
                log.warning("Redis refuses the app's route table: %s", refusal)
