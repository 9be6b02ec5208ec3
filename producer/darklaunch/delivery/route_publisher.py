"""Publishing which routes the app has, so that a report can name those that were never mirrored."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any, Final

from darklaunch_shared import keys
from darklaunch_shared.redis.route_registry import register_route_table
from darklaunch_shared.wire.route_table import MOST_TABLES, Route, RouteTable, registry_field

from darklaunch.internal_errors import ErrorLog
from darklaunch.routes.app_name import AppName
from darklaunch.routes.route_table import read_routes

from .redis_connection import ERROR_REPLIES, RedisConnection

log = logging.getLogger("darklaunch")

PUBLISH_INTERVAL_S: Final = 60.0  # repeated: Redis may lose the table, and forgets one that is ten minutes old
RETRY_S: Final = 2.0  # Django has its routes only once it was asked for one

ListApps = Callable[[], Iterable[Any]]


class RoutePublisher:
    """Publishes the routes of all apps behind this process's hooks as one table."""

    def __init__(self, redis: RedisConnection, app_name: AppName, list_apps: ListApps) -> None:
        self._redis = redis
        self._app_name = app_name
        self._list_apps = list_apps
        self._due_s = 0.0
        self._refusal_logged = False
        self._error_log = ErrorLog()

    def publish_if_due(self) -> None:
        """Publish the table once a minute, once there are routes. Raises RedisUnavailable."""
        now_s = monotonic()
        if now_s < self._due_s:
            return
        self._due_s = now_s + RETRY_S
        try:
            table = self._build_table()
        except Exception:  # reads a framework's own objects, which may be anything
            self._due_s = now_s + PUBLISH_INTERVAL_S
            self._error_log.log_error("listing the app's routes")
            return
        if table is not None:
            self._due_s = now_s + PUBLISH_INTERVAL_S
            self._publish_table(table)

    def _build_table(self) -> RouteTable | None:
        framework, routes = "", list[Route]()
        for app in self._list_apps():
            table = read_routes(app)
            if table is not None:
                framework = table[0]
                routes += table[1]
        return RouteTable.build(self._app_name.find(), framework, routes) if routes else None

    def _publish_table(self, table: RouteTable) -> None:
        try:
            exists, count = self._redis.send_commands(
                [("HEXISTS", keys.ROUTES, registry_field(table)), ("HLEN", keys.ROUTES)]
            )
            if isinstance(exists, int) and isinstance(count, int) and (exists or count < MOST_TABLES):
                register_route_table(self._redis, table)
        except ERROR_REPLIES as error:
            if not self._refusal_logged:
                self._refusal_logged = True
                log.warning("darklaunch cannot publish the app's routes: Redis refuses: %s", error)
