"""The hook in an aiohttp.web app: around the request's body and the writer of its response.

Both exist before the first middleware and until after aiohttp's own error handling, so that unhandled errors, unknown
paths and streamed responses are captured as the client gets them.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from weakref import ref

from darklaunch.capture.recording import RequestHead
from darklaunch.routes.endpoint import MatchedRoute

from .hook import MARK, Headers, NativeHook, RecordedExchange, TimedReplay, build_head, is_endless


def install_in_aiohttp(app: Any, options: Mapping[str, Any]) -> NativeHook:
    """Put the hook into an `aiohttp.web.Application` that does not run yet."""
    hook = NativeHook(app, "aiohttp", options)
    make_request = app._make_request

    async def start(_app: Any) -> None:
        hook.start()

    async def stop(_app: Any) -> None:
        hook.stop()

    app.on_startup.append(start)
    app.on_cleanup.append(stop)
    # Beside aiohttp's own attributes: with debugging on, `__setattr__` warns of all others.
    vars(app)["_make_request"] = partial(_make_request, hook, make_request)
    return hook


def _make_request(
    hook: NativeHook, make: Callable[..., Any], message: Any, payload: Any, protocol: Any, writer: Any, *rest: Any
) -> Any:
    """Return the request that aiohttp makes, with its body and its writer recorded where it is sampled."""
    part = hook.choose(MARK in message.headers, partial(_read_head, message, protocol))
    if part is None:
        return make(message, payload, protocol, writer, *rest)
    if isinstance(part, TimedReplay):
        _HeldWriter(writer, part)
        return make(message, payload, protocol, writer, *rest)
    if part.has_body:
        payload = _RecordedBody(payload, part)
    if message.compression:  # aiohttp unpacks the request: what came is not seen
        part.skip("unsupported")
    recorded = _RecordedWriter(writer, part)
    request = make(message, payload, protocol, writer, *rest)
    recorded.request = ref(request)
    return request


def _read_head(message: Any, protocol: Any) -> RequestHead | None:
    if message.method == "UNKNOWN":  # aiohttp's stand-in for what it could not read
        return None
    transport = protocol.transport
    version = message.version
    return build_head(
        message.method,
        message.path.encode("utf-8", "surrogateescape"),
        tuple((name.lower(), value) for name, value in message.raw_headers),
        http_version=f"{version.major}.{version.minor}",
        scheme="https" if transport and transport.get_extra_info("sslcontext") else "http",
        server=transport.get_extra_info("sockname") if transport else None,
        client=transport.get_extra_info("peername") if transport else None,
    )


class _RecordedWriter:
    """Records what a response's writer sends. It replaces methods of the writer, which stays the app's own object."""

    def __init__(self, writer: Any, exchange: RecordedExchange) -> None:
        self.request: Callable[[], Any] = lambda: None
        self._exchange = exchange
        self._writer = ref(writer)  # weak, so that this ends with the writer: at once, and not by garbage collection
        self._class: Any = type(writer)
        writer.write_headers = self.write_headers
        writer.write = self.write
        writer.write_eof = self.write_eof
        writer.enable_compression = self.enable_compression

    async def write_headers(self, status_line: str, headers: Any) -> None:
        await self._class.write_headers(self._writer(), status_line, headers)
        self._exchange.begin_response(_read_status(status_line), _encode_fields(headers))

    async def write(self, chunk: Any, *args: Any, **named: Any) -> None:
        with self._aborting():
            await self._class.write(self._writer(), chunk, *args, **named)
        self._exchange.add_response_chunk(chunk)

    async def write_eof(self, chunk: bytes = b"") -> None:
        with self._aborting():
            await self._class.write_eof(self._writer(), chunk)
        if chunk:
            self._exchange.add_response_chunk(chunk)
        self._exchange.finish(self._find_route)

    def enable_compression(self, *args: Any, **named: Any) -> None:
        self._exchange.skip("unsupported")  # what the writer compresses is not seen
        self._class.enable_compression(self._writer(), *args, **named)

    @contextmanager
    def _aborting(self) -> Generator[None]:
        """End the recording as `aborted` when the client has left: aiohttp then tries to send an error response."""
        try:
            yield
        except BaseException:
            self._exchange.abort()
            raise

    def _find_route(self) -> MatchedRoute | None:
        request = self.request()
        resource = request.match_info.route.resource
        return MatchedRoute("aiohttp", None if resource is None else resource.canonical)

    def __del__(self) -> None:
        self._exchange.abort()


class _HeldWriter:
    """The writer of a replay: keeps its response back until that is complete, and sends it with the time it took.

    Where headers are sent at once, before a stream or a file that the kernel sends, they name the time until then.
    """

    def __init__(self, writer: Any, replay: TimedReplay) -> None:
        self._replay = replay
        self._start: tuple[str, Any] | None = None
        self._holds_bodies = hasattr(writer, "send_headers")
        self._write_headers = writer.write_headers
        self._send_headers = getattr(writer, "send_headers", None)
        self._write = writer.write
        self._write_eof = writer.write_eof
        writer.write_headers = self.write_headers
        writer.send_headers = self.send_headers
        writer.write = self.write
        writer.write_eof = self.write_eof

    async def write_headers(self, status_line: str, headers: Any) -> None:
        self._start = (status_line, headers)
        if not self._holds_bodies or is_endless(_read_status(status_line), headers.get("Content-Type", "")):
            await self._release()

    def send_headers(self) -> None:
        _run_now(self._release())
        if self._send_headers is not None:
            self._send_headers()

    async def write(self, chunk: Any, *args: Any, **named: Any) -> None:
        if self._start is None:
            await self._write(chunk, *args, **named)
        elif not self._replay.hold(chunk):
            await self._release()

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self._release()
        await self._write_eof(chunk)

    async def _release(self) -> None:
        if self._start is not None:
            (status_line, headers), self._start = self._start, None
            for name, value in self._replay.list_fields():
                headers.add(name, value)
            await self._write_headers(status_line, headers)
            for chunk in self._replay.take_chunks():
                await self._write(chunk)


class _RecordedBody:
    """The request's body: aiohttp's own object in all but what is recorded on the way."""

    def __init__(self, payload: Any, exchange: RecordedExchange) -> None:
        self._payload = payload
        self._exchange = exchange
        self._unread_bytes = 0  # given back by the app, and recorded already

    @property  # type: ignore[misc] # what isinstance asks
    def __class__(self) -> Any:  # pyright: ignore
        return type(self._payload)  # pyright: ignore[reportUnknownVariableType]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._payload, name)

    async def read(self, *size: Any) -> bytes:
        return self._record(await self._payload.read(*size))

    async def readany(self) -> bytes:
        return self._record(await self._payload.readany())

    async def readexactly(self, size: int) -> bytes:
        return self._record(await self._payload.readexactly(size))

    async def readline(self, *args: Any, **named: Any) -> bytes:
        return self._record(await self._payload.readline(*args, **named))

    async def readuntil(self, *args: Any, **named: Any) -> bytes:
        return self._record(await self._payload.readuntil(*args, **named))

    async def readchunk(self) -> tuple[bytes, bool]:
        chunk, ends_chunk = await self._payload.readchunk()
        return self._record(chunk), ends_chunk

    def read_nowait(self, *size: Any) -> bytes:
        return self._record(self._payload.read_nowait(*size))

    def unread_data(self, data: bytes) -> None:
        self._payload.unread_data(data)
        self._unread_bytes += len(data)

    def __aiter__(self) -> Any:
        return _iterate(self.readline)

    def iter_chunked(self, size: int) -> Any:
        return _iterate(partial(self.read, size))

    def iter_any(self) -> Any:
        return _iterate(self.readany)

    def iter_chunks(self) -> Any:
        return _iterate_chunks(self.readchunk)

    def _record(self, chunk: bytes) -> bytes:
        fresh = chunk[self._unread_bytes :]
        self._unread_bytes = max(0, self._unread_bytes - len(chunk))
        self._exchange.add_request_chunk(fresh, last=not self._unread_bytes and self._payload.at_eof())
        return chunk


async def _iterate(read: Callable[[], Coroutine[Any, Any, bytes]]) -> Any:
    while chunk := await read():
        yield chunk


async def _iterate_chunks(read: Callable[[], Coroutine[Any, Any, tuple[bytes, bool]]]) -> Any:
    while (part := await read()) != (b"", False):
        yield part


def _read_status(status_line: str) -> int:
    return int(status_line.split(" ", 2)[1])


def _encode_fields(headers: Any) -> Headers:
    return tuple((str(name).lower().encode("latin-1"), str(value).encode("utf-8")) for name, value in headers.items())


def _run_now(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that waits for nothing: aiohttp buffers headers, and sends small pieces at once."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
