"""The duty of copying the route tables that hooks publish from Redis to Postgres."""

import logging
from typing import Any, Final

from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import pair_fields
from darklaunch_shared.wire.route_table import MOST_TABLES, registry_field, unpack_route_table
from psycopg import Connection

from darklaunch_comparator.results.storable import LABEL_CHARS, storable_json, storable_text
from darklaunch_comparator.store.route_tables import save_route_tables

_YEAR_3000_MS: Final = 32_503_680_000_000
_APP_CHARS: Final = 100
_TEMPLATE_CHARS: Final = 200

log = logging.getLogger("darklaunch.comparator")


class RouteTableSync:
    """Copies what changed since the last call. `retention_days` is how long tables are kept."""

    def __init__(self, retention_days: int) -> None:
        self._retention_days = retention_days
        self._copied: dict[bytes, bytes] = {}

    def copy_tables(self, connection: Connection[Any], redis: RedisClient) -> None:
        """Copy the tables published since the last call. Raises psycopg.Error and RedisError."""
        if int(redis.execute_command("HLEN", keys.ROUTES)) > 2 * MOST_TABLES:
            log.warning("%s has more route tables than hooks put there; none is read", keys.ROUTES)
            return
        stored = pair_fields(redis.execute_command("HGETALL", keys.ROUTES))
        changed = {field: raw for field, raw in stored.items() if self._copied.get(field) != raw}
        rows = [row for field, raw in sorted(changed.items()) if (row := _parse_table(field, raw))]
        save_route_tables(connection, rows, retention_days=self._retention_days)
        self._copied = stored


def _parse_table(field: bytes, raw: bytes) -> dict[str, Any] | None:
    """Return a published table as a row; None if it is damaged or does not belong to its field."""
    seen_ms, _, packed = raw.partition(b" ")
    try:
        table = unpack_route_table(packed)
    except BadEntry as damaged:
        log.debug("%r: %s", field[:120], damaged)
        return None
    if field != registry_field(table).encode() or not seen_ms.isdigit() or not 0 < int(seen_ms[:15]) < _YEAR_3000_MS:
        return None
    routes = [
        [storable_text(method, LABEL_CHARS), storable_text(template, _TEMPLATE_CHARS)]
        for method, template in table.routes
    ]
    return {
        "app": storable_text(table.app, _APP_CHARS),
        "fingerprint": table.fingerprint,
        "framework": storable_text(table.framework, LABEL_CHARS),
        "routes": storable_json(routes),
        "omitted": min(table.omitted, 2**31 - 1),
        "seen_s": int(seen_ms[:15]) / 1000,
    }
