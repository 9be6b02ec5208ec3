"""Where a stored request was masked, so that whoever sends it again knows what to fill in."""

from __future__ import annotations

from typing import Final, cast
from urllib.parse import unquote_plus

import orjson
from darklaunch_comparator.masking import MASKED
from darklaunch_shared.wire.exchange import Request

from darklaunch_console.output.screen import make_printable

SHOWN: Final = 6


def find_masked_places(request: Request) -> list[str]:
    """Name what is masked in a request: `query token`, `header x-api-key`, `$.user.password` or `the body`."""
    found = [f"query {name}" for name in _fields(request.target.partition("?")[2])]
    found += [f"header {name}" for name, value in request.headers if MASKED.search(value)]
    body = request.body.decode("utf-8", "replace")
    if MASKED.search(body):
        found += _in_json(request.body) or [f"field {name}" for name in _fields(body)] or ["the body"]
    shown = [make_printable(place, 60) for place in found]
    return [*shown[:SHOWN], f"{len(shown) - SHOWN} more places"] if len(shown) > SHOWN else shown


def _fields(text: str) -> list[str]:
    pairs = [part.partition("=") for part in text.split("&")]
    return [unquote_plus(name) for name, _, value in pairs if MASKED.search(unquote_plus(value))]


def _in_json(body: bytes) -> list[str]:
    try:
        todo: list[tuple[str, object]] = [("$", orjson.loads(body))]
    except orjson.JSONDecodeError:
        return []
    found: list[str] = []
    while todo:
        path, value = todo.pop(0)
        if isinstance(value, dict):
            todo += [(f"{path}.{name}", part) for name, part in cast(dict[str, object], value).items()]
        elif isinstance(value, list):
            todo += [(f"{path}[*]", part) for part in cast(list[object], value)]
        elif isinstance(value, str) and MASKED.search(value):
            found.append(path)
    return list(dict.fromkeys(found))
