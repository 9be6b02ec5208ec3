"""Where a stored request was masked, so that whoever sends it again knows what to fill in. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final, cast
from urllib.parse import unquote_plus

import orjson
from darklaunch_comparator.masking import MASKED
from darklaunch_comparator.places import write_step
from darklaunch_shared.wire.exchange import Request

from darklaunch_console.output.screen import make_printable

LISTED: Final = 6


def find_masked_places(request: Request) -> list[str]:
    """Return what is masked in a request: `query token`, `header x-api-key`, `$.user.password` or `the body`."""
    places = [f"query {name}" for name in _find_fields(request.target.partition("?")[2])]
    places += [f"header {name}" for name, value in request.headers if MASKED.search(value)]
    body = request.body.decode("utf-8", "replace")
    if MASKED.search(body):
        places += _find_in_json(request.body) or [f"field {name}" for name in _find_fields(body)] or ["the body"]
    listed = [make_printable(place, 60) for place in places[:LISTED]]
    return [*listed, f"{len(places) - LISTED} more places"] if len(places) > LISTED else listed


def _find_fields(text: str) -> list[str]:
    """Return the names of the masked fields of a query or a form."""
    pairs = [part.partition("=") for part in text.split("&")]
    return [unquote_plus(name) for name, _, value in pairs if MASKED.search(unquote_plus(value))]


def _find_in_json(body: bytes) -> list[str]:
    """Return the JSONPaths of the masked strings, breadth first; elements of arrays are one place, `[*]`."""
    try:
        todo: deque[tuple[str, object]] = deque([("$", orjson.loads(body))])
    except orjson.JSONDecodeError:
        return []
    paths: dict[str, None] = {}
    while todo:
        path, value = todo.popleft()
        if isinstance(value, dict):
            todo.extend((path + write_step(name), part) for name, part in cast(dict[str, object], value).items())
        elif isinstance(value, list):
            todo.extend((f"{path}[*]", part) for part in cast(list[object], value))
        elif isinstance(value, str) and MASKED.search(value):
            paths[path] = None
    return list(paths)
