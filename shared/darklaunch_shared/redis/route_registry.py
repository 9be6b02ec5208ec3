"""The route tables that apps publish on Redis, so that coverage knows what could be asked of them."""

from darklaunch_shared import keys
from darklaunch_shared.wire.route_table import RouteTable, pack_route_table, registry_field

from .client import RedisClient
from .script_calls import ScriptCall, call_script


def register_route_table(redis: RedisClient, table: RouteTable) -> None:
    """Write a table to the registry, seen now by the server's clock. Raises RedisError."""
    call_script(redis, ScriptCall("heartbeat", (keys.ROUTES,), (registry_field(table), pack_route_table(table))))
