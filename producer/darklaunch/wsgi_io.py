"""The two bodies of a WSGI request as they pass the hook: what the app reads, and what it gives the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

RecordRead = Callable[[bytes, Any, bool], None]
"""(what was read, how much was asked for, whether fewer bytes mean the end of the body)"""

RecordChunk = Callable[[bytes], None]
RecordEnd = Callable[[bool], None]
"""(whether the app had nothing more to give); may be called more than once"""


class ResponseBody:
    """The app's body, chunk by chunk as the server asks for it."""

    def __init__(self, result: Iterable[bytes], record_chunk: RecordChunk, record_end: RecordEnd) -> None:
        self._result = result
        self._record_chunk = record_chunk
        self._record_end = record_end
        self._iterator: Iterator[bytes] | None = None
        self._has_chunks = False

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
            if not self._has_chunks:
                self._record_chunk(b"")  # an empty body has a latency too
            self._record_end(True)
            raise
        except BaseException:
            self._record_end(False)
            raise
        self._has_chunks = True
        self._record_chunk(chunk)
        return chunk

    def close(self) -> None:
        try:
            if close := getattr(self._result, "close", None):
                close()
        finally:
            self._record_end(False)

    def __del__(self) -> None:
        self._record_end(False)  # for a server that never closes


class SizedResponseBody(ResponseBody):
    """A body whose number of chunks a server may ask for."""

    def __len__(self) -> int:
        return len(self._result)  # type: ignore[arg-type]


class RequestInput:
    """The request's body as the app reads it. Every other attribute is that of the server's own object."""

    def __init__(self, server_input: Any, record_read: RecordRead) -> None:
        self._server_input = server_input
        self._record_read = record_read

    def read(self, *size: Any, **named: Any) -> bytes:
        chunk: bytes = self._server_input.read(*size, **named)
        self._record_read(chunk, _find_size(size, named), True)
        return chunk

    def readline(self, *size: Any, **named: Any) -> bytes:
        line: bytes = self._server_input.readline(*size, **named)
        self._record_read(line, _find_size(size, named), False)
        return line

    def readlines(self, *size: Any, **named: Any) -> list[bytes]:
        lines: list[bytes] = self._server_input.readlines(*size, **named)
        for line in lines:
            self._record_read(line, None, False)
        if not (size or named):
            self._record_read(b"", None, True)
        return lines

    def __iter__(self) -> Iterator[bytes]:
        for line in self._server_input:
            self._record_read(line, None, False)
            yield line
        self._record_read(b"", None, True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server_input, name)


def _find_size(size: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Return the size argument of a read, however it was passed; None without one."""
    return next(iter((*size, *named.values())), None)
