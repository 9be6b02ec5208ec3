"""A reply of Redis as redis-cli writes it: marked and numbered for a person, plain lines for a pipe. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from .text import escape_unprintable


def render_for_person(reply: Any) -> list[str]:
    """Return a reply as lines for a terminal: `(integer) 3`, `"text"`, arrays numbered and indented."""
    if reply is None:
        return ["(nil)"]
    if isinstance(reply, int):
        return [f"(integer) {reply}"]
    if isinstance(reply, Exception):
        return [f"(error) {escape_unprintable(str(reply))}"]
    if isinstance(reply, bytes | str):
        return [f'"{_quote(reply)}"' if isinstance(reply, bytes) else escape_unprintable(reply)]
    items = cast(list[Any], reply)
    if not items:
        return ["(empty array)"]
    width = len(str(len(items)))
    lines: list[str] = []
    for number, item in enumerate(items, 1):
        first, *more = render_for_person(item)
        lines.append(f"{number:>{width}}) {first}")
        lines += [f"{' ' * (width + 2)}{line}" for line in more]
    return lines


def render_for_pipe(reply: Any) -> list[bytes]:
    """Return a reply as lines for a pipe: bytes as they are, arrays one element a line."""
    return list(_flatten(reply))


def _flatten(reply: Any) -> Iterator[bytes]:
    if isinstance(reply, list):
        for item in reply:  # pyright: ignore[reportUnknownVariableType]
            yield from _flatten(item)
    elif reply is None:
        yield b""
    else:
        yield reply if isinstance(reply, bytes) else str(reply).encode()


def _quote(value: bytes) -> str:
    text = value.decode("utf-8", "backslashreplace")
    return escape_unprintable(text.replace('"', '\\"'))
