"""The two bodies of a WSGI request as they pass the hook: what the app reads, and what it gives the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final

RecordRead = Callable[[bytes, bool], None]
"""(what was read for the first time, whether the body has ended)"""

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
            self._record_end(True)
            raise
        except BaseException:
            self._record_end(False)
            raise
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


_READERS_INTO: Final = frozenset({"readinto", "readinto1"})


class RequestInput:
    """The request's body as the app reads it: the server's own object in all but what is recorded on the way.

    It supports what that object supports, `next`, `with`, `seek` and `isinstance` included. Each byte is recorded when
    it is read for the first time, so an app that rewinds and reads again has its request recorded once.
    """

    __slots__ = ("_position", "_record_read", "_recorded", "_server_input")

    _server_input: Any

    def __init__(self, server_input: Any, record_read: RecordRead) -> None:
        assign = object.__setattr__  # ours goes to the server's object
        assign(self, "_server_input", server_input)
        assign(self, "_record_read", record_read)
        assign(self, "_position", 0)  # where the next read begins, counted from where the app found the body
        assign(self, "_recorded", 0)  # how many bytes of it are recorded

    @property  # type: ignore[misc] # what isinstance asks
    def __class__(self) -> Any:  # pyright: ignore
        return type(self._server_input)  # pyright: ignore[reportUnknownVariableType]

    def read(self, *size: Any, **named: Any) -> bytes:
        chunk: bytes = self._server_input.read(*size, **named)
        self._record(chunk, _find_size(size, named), short_is_last=True)
        return chunk

    def readline(self, *size: Any, **named: Any) -> bytes:
        line: bytes = self._server_input.readline(*size, **named)
        self._record(line, _find_size(size, named))
        return line

    def readlines(self, *size: Any, **named: Any) -> list[bytes]:
        lines: list[bytes] = self._server_input.readlines(*size, **named)
        for line in lines:
            self._record(line)
        if not (size or named):
            self._record(b"")
        return lines

    def __iter__(self) -> Iterator[bytes]:
        return self if hasattr(self._server_input, "__next__") else self._iterate()

    def __next__(self) -> bytes:
        try:
            line: bytes = next(self._server_input)
        except StopIteration:
            self._record(b"")
            raise
        self._record(line)
        return line

    def __enter__(self) -> Any:
        if not hasattr(self._server_input, "__enter__"):
            name = type(self._server_input).__name__
            raise TypeError(f"{name!r} object does not support the context manager protocol")
        entered = self._server_input.__enter__()
        return self if entered is self._server_input else entered

    def __exit__(self, *raised: Any) -> Any:
        return self._server_input.__exit__(*raised)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._server_input, name)
        if name in _READERS_INTO:
            return partial(self._read_into, attribute)
        if name == "read1":
            return partial(self._read_some, attribute)
        return partial(self._move, attribute) if name == "seek" else attribute

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._server_input, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._server_input, name)

    def _iterate(self) -> Iterator[bytes]:
        for line in self._server_input:
            self._record(line)
            yield line
        self._record(b"")

    def _read_some(self, read1: Callable[..., bytes], *size: Any, **named: Any) -> bytes:
        chunk = read1(*size, **named)
        self._record(chunk, _find_size(size, named))
        return chunk

    def _read_into(self, read_into: Callable[[Any], int | None], buffer: Any) -> int | None:
        count = read_into(buffer)
        if count is not None:
            view = memoryview(buffer).cast("B")
            self._record(bytes(view[:count]), len(view))
        return count

    def _move(self, seek: Callable[..., Any], *to: Any, **named: Any) -> Any:
        began_at = self._server_input.tell() - self._position
        moved = seek(*to, **named)
        object.__setattr__(self, "_position", self._server_input.tell() - began_at)
        return moved

    def _record(self, chunk: bytes, size: Any = None, *, short_is_last: bool = False) -> None:
        """Record what a read for `size` bytes (None or negative: all there is) returned.

        With `short_is_last`, fewer bytes than asked for mean that the body has ended.
        """
        began_at = self._position
        ended_at = began_at + len(chunk)
        object.__setattr__(self, "_position", ended_at)
        size = -1 if size is None else size
        last = size != 0 and (not chunk or (short_is_last and not 0 < size <= len(chunk)))
        recorded = self._recorded
        if began_at != recorded:
            if not 0 <= began_at <= recorded:  # bytes before it are not known
                return
            chunk = chunk[recorded - began_at :]
        object.__setattr__(self, "_recorded", max(recorded, ended_at))
        if chunk or last:
            self._record_read(chunk, last)


class SentFile:
    """The file that an app asks the server to send by `wsgi.file_wrapper`, if it does.

    Servers know it again by its type (gunicorn, waitress), or as the very object that their wrapper returned (uWSGI):
    then the wrapper in the environ is replaced by one that notes what it returns.
    """

    __slots__ = ("_sent", "_type")

    def __init__(self, environ: dict[str, Any]) -> None:
        wrapper = environ.get("wsgi.file_wrapper")
        self._type: type | None = wrapper if isinstance(wrapper, type) else None
        self._sent: Any = None
        if callable(wrapper) and self._type is None:
            environ["wsgi.file_wrapper"] = partial(self._wrap, wrapper)

    def is_sent(self, result: Any) -> bool:
        """True if the server is going to send this response by itself, and must get this very object."""
        return isinstance(result, self._type) if self._type else self._sent is not None and result is self._sent

    def _wrap(self, wrapper: Callable[..., Any], *given: Any) -> Any:
        self._sent = wrapper(*given)
        return self._sent


def is_iterable(result: Any) -> bool:
    """True if a server can iterate over a response. What it cannot, it must know by other means."""
    return hasattr(result, "__iter__") or hasattr(result, "__getitem__")


def _find_size(size: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Return the size argument of a read, however it was passed; None without one."""
    return next(iter((*size, *named.values())), None)
