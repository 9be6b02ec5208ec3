"""The two bodies of a WSGI request as they pass the hook: what the app reads, and what it gives the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

Hear = Callable[[bytes, Any, bool], None]
"""(what was read, how much was asked for, whether getting less means that this was all)"""

Say = Callable[[bytes], None]
End = Callable[[bool], None]
"""(whether the app had nothing more to give); may be called again"""


class ResponseBody:
    """The app's body, chunk by chunk as the server asks for it."""

    def __init__(self, result: Iterable[bytes], say: Say, end: End) -> None:
        self._result, self._say, self._end = result, say, end
        self._iterator: Iterator[bytes] | None = None
        self._spoke = False

    def __iter__(self) -> Iterator[bytes]:
        if self._iterator is None:
            self._iterator = iter(self._result)
        return self

    def __next__(self) -> bytes:
        if self._iterator is None:
            self._iterator = iter(self._result)
        try:
            chunk = next(self._iterator)
        except StopIteration:
            if not self._spoke:
                self._say(b"")
            self._end(True)
            raise
        except BaseException:
            self._end(False)
            raise
        self._spoke = True
        self._say(chunk)
        return chunk

    def close(self) -> None:
        try:
            if close := getattr(self._result, "close", None):
                close()
        finally:
            self._end(False)

    def __del__(self) -> None:
        self._end(False)  # a server that never closes


class SizedResponseBody(ResponseBody):
    """A body whose number of chunks a server may ask for."""

    def __len__(self) -> int:
        return len(self._result)  # type: ignore[arg-type]


class RequestInput:
    """The request's body as the app reads it. Whatever else the server's own has is reached through it."""

    def __init__(self, given: Any, hear: Hear) -> None:
        self._given, self._hear = given, hear

    def read(self, *size: Any, **named: Any) -> bytes:
        chunk: bytes = self._given.read(*size, **named)
        self._hear(chunk, _asked(size, named), True)
        return chunk

    def readline(self, *size: Any, **named: Any) -> bytes:
        line: bytes = self._given.readline(*size, **named)
        self._hear(line, _asked(size, named), False)
        return line

    def readlines(self, *size: Any, **named: Any) -> list[bytes]:
        lines: list[bytes] = self._given.readlines(*size, **named)
        for line in lines:
            self._hear(line, None, False)
        if not (size or named):
            self._hear(b"", None, True)
        return lines

    def __iter__(self) -> Iterator[bytes]:
        for line in self._given:
            self._hear(line, None, False)
            yield line
        self._hear(b"", None, True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._given, name)


def _asked(size: tuple[Any, ...], named: dict[str, Any]) -> Any:
    return next(iter((*size, *named.values())), None)
