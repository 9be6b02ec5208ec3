"""The duty of choosing the app of launches that were started before any app was seen: the first one that comes."""

import logging
import time
from typing import Any

from darklaunch_shared import keys
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.spec import UNDECIDED_APP, LaunchStatus, check_app
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.presence import read_alive
from darklaunch_shared.redis.publish import publish_launch
from darklaunch_shared.wire.fields import pair_fields
from psycopg import Connection

from darklaunch_comparator.errors import LaunchChanged
from darklaunch_comparator.store.launches import LaunchAct, list_launches, update_launch

log = logging.getLogger("darklaunch.comparator")


class AppBinding:
    """Binds a launch to an app once its name is certain: the same single app at two looks in a row.

    The name of an app may become known only with its first request, when its framework gives it.
    """

    def __init__(self, settle_s: float = 2.0) -> None:
        self._settle_s = settle_s
        self._app = ""
        self._since_s = 0.0

    def bind_launches(self, connection: Connection[Any], redis: RedisClient) -> None:
        """Bind every launch without an app if one app is alive. Raises psycopg.Error and RedisError."""
        undecided = [
            record
            for record in list_launches(connection)
            if record.state.spec.app == UNDECIDED_APP
            and record.state.status in (LaunchStatus.ACTIVE, LaunchStatus.PAUSED)
        ]
        if not undecided or not self._is_settled(_read_only_app(redis)):
            return
        for record in undecided:
            name = record.state.name
            act = LaunchAct("comparator", "bound", f"{self._app} is the first app with the hook on this Redis")
            spec = record.state.spec.for_app(self._app)
            try:
                bound = update_launch(connection, name, act, spec=spec, only_at=record.state.revision)
            except LaunchChanged:
                continue  # the next call sees the changed launch
            publish_launch(redis, bound.state, lift_hold=False)
            log.warning("launch %s: mirrors the app %s, the first one seen", name, self._app)

    def _is_settled(self, app: str) -> bool:
        if app != self._app:
            self._app = app
            self._since_s = time.monotonic()
        return bool(app) and time.monotonic() - self._since_s >= self._settle_s


def _read_only_app(redis: RedisClient) -> str:
    """Return the name of the app that all hooks alive are in; "" if there are none, or several apps."""
    records = pair_fields(redis.execute_command("HGETALL", keys.HOOKS))
    seconds, micros = redis.execute_command("TIME")
    hooks = read_alive(records, int(seconds) * 1000 + int(micros) // 1000)
    apps = {str(hook.about.get("app") or "") for hook in hooks}
    try:
        return check_app(apps.pop()) if len(apps) == 1 else ""
    except BadLaunch:
        return ""
