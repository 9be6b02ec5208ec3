"""The apps that an app wraps, such as those behind middlewares, found without running their code."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

_WRAPPED_APP_ATTRIBUTES: Final = (
    "app", "wsgi_app", "asgi_app", "application", "_app", "router", "__wrapped__", "func",
)  # fmt: skip
_MAX_WRAPPERS: Final = 50


def walk_wrapped_apps(app: Any) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Yield an app and the apps that it wraps, the outermost first, each with the attributes that it itself has."""
    waiting, visited = deque([app]), set[int]()
    while waiting and len(visited) < _MAX_WRAPPERS:
        candidate = waiting.popleft()
        if id(candidate) in visited:
            continue
        visited.add(id(candidate))
        attributes = _read_attributes(candidate)
        yield candidate, attributes
        waiting.extend(attributes[name] for name in _WRAPPED_APP_ATTRIBUTES if name in attributes)
        owner = getattr(candidate, "__self__", None)  # a bound method: the app is the object it belongs to
        if owner is not None and not isinstance(owner, type(sys)):
            waiting.append(owner)


def _read_attributes(thing: Any) -> Mapping[str, Any]:
    """Return the attributes that an object itself has. Asking it for others might run its code."""
    try:
        return cast(Mapping[str, Any], vars(thing))
    except TypeError:
        return {}
