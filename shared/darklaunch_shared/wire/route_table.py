"""The route table of an app: the methods and templates it answers. Hooks publish it, coverage is measured by it."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import orjson

from darklaunch_shared.errors import BadEntry

MAX_ROUTES: Final = 1000
MOST_TABLES: Final = 64
ANY_METHOD: Final = "*"
_METHOD_CHARS: Final = 20
_TEMPLATE_CHARS: Final = 200
_NAME_CHARS: Final = 100
_TABLE_BYTES: Final = 262_144

Route = tuple[str, str]
"""Method (`*` where the framework names none) and template: `("GET", "/orders/{id}")`."""


@dataclass(frozen=True, slots=True)
class RouteTable:
    """The routes of one version of an app, sorted; `omitted` counts those beyond the first 1,000."""

    app: str
    framework: str
    routes: tuple[Route, ...]
    omitted: int = 0

    @classmethod
    def build(cls, app: str, framework: str, routes: Iterable[Route]) -> "RouteTable":
        """Create a table of bounded size: cuts long names and drops duplicates."""
        cut = sorted({(method[:_METHOD_CHARS], template[:_TEMPLATE_CHARS]) for method, template in routes})
        return cls(app[:_NAME_CHARS], framework[:_NAME_CHARS], tuple(cut[:MAX_ROUTES]), max(0, len(cut) - MAX_ROUTES))

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that differ between versions of the table."""
        return blake2b(orjson.dumps([self.framework, self.routes]), digest_size=4).hexdigest()


def pack_route_table(table: RouteTable) -> bytes:
    """Return a table as JSON. Raises TypeError for text that JSON cannot hold."""
    return orjson.dumps(table)


def unpack_route_table(raw: bytes) -> RouteTable:
    """Read a table. Raises BadEntry when it is damaged, or larger than a hook makes it."""
    if len(raw) > _TABLE_BYTES:
        raise BadEntry(f"a route table of {len(raw):,} bytes is larger than any hook makes it")
    try:
        members: Any = orjson.loads(raw)
        routes = tuple((_require_text(method), _require_text(template)) for method, template in members["routes"])
        table = RouteTable(
            _require_text(members["app"]), _require_text(members["framework"]), routes, int(members["omitted"])
        )
    except (ValueError, TypeError, KeyError) as broken:
        raise BadEntry(f"a route table is damaged: {broken}") from None
    if len(routes) > MAX_ROUTES or table.omitted < 0:
        raise BadEntry("a route table is larger than any hook makes it")
    return table


def registry_field(table: RouteTable) -> str:
    """Return a table's field in the registry: the app and the version of its routes."""
    return f"{table.app}:{table.fingerprint}"


def _require_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:40]!r} is not text")
    return value
