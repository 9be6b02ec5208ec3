"""The hook in a Sanic app: around the stream that a request reads from and its response writes to.

It takes its place with the signal that precedes routing, so that unknown paths, unhandled errors and streamed responses
are captured as the client gets them, with Sanic's own server and as an ASGI app.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from weakref import ref

from darklaunch.capture.recording import RequestHead
from darklaunch.routes.endpoint import MatchedRoute

from .hook import MARK, Headers, NativeHook, RecordedExchange, TimedReplay, build_head, is_endless


def install_in_sanic(app: Any, options: Mapping[str, Any]) -> NativeHook:
    """Put the hook into a `Sanic` app that does not run yet."""
    hook = NativeHook(app, "sanic", options)

    async def handle(request: Any) -> None:
        _replace_stream(hook, request)

    async def start(_app: Any) -> None:
        hook.start()

    async def stop(_app: Any) -> None:
        hook.stop()

    app.add_signal(handle, "http.lifecycle.handle")
    app.register_listener(start, "before_server_start")
    app.register_listener(stop, "after_server_stop")
    return hook


def _replace_stream(hook: NativeHook, request: Any) -> None:
    part = hook.choose(MARK in request.headers, partial(_read_head, request))
    if isinstance(part, RecordedExchange):
        request.stream = _RecordedStream(request.stream, part, ref(request))
    elif part is not None:
        request.stream = _HeldStream(request.stream, part)


def _read_head(request: Any) -> RequestHead | None:
    connection = request.conn_info
    headers = tuple(
        (name.lower().encode("latin-1"), str(value).encode("utf-8", "surrogateescape"))
        for name, value in request.headers.items()
    )
    return build_head(
        request.method,
        request.raw_url,
        headers,
        http_version=str(request.version),
        scheme="https" if getattr(connection, "ssl", False) else "http",
        server=(getattr(connection, "server", "") or "localhost", getattr(connection, "server_port", None)),
        client=(getattr(connection, "client_ip", "") or "",),
    )


class _RelayedStream:
    """A stream of Sanic's in all but what a subclass adds: the attributes are Sanic's own."""

    _own = frozenset({"_stream", "_exchange", "_request", "_replay", "_response", "_started", "_held", "_ended"})

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._response: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._own:
            object.__setattr__(self, name, value)
        else:
            setattr(self._stream, name, value)

    def __bool__(self) -> bool:
        return bool(self._stream)

    async def read(self) -> bytes | None:
        chunk: bytes | None = await self._stream.read()
        return chunk

    async def __aiter__(self) -> Any:
        while self._stream.request_body:
            if chunk := await self.read():
                yield chunk

    def respond(self, response: Any) -> Any:
        """Connect a response with this stream, as Sanic does with its own."""
        response = self._stream.respond(response)
        if self._response is not None and self._response is not response:
            self._response.stream = None
        self._response = response
        response.stream = self
        return response


class _RecordedStream(_RelayedStream):
    """Records what the app reads and sends."""

    def __init__(self, stream: Any, exchange: RecordedExchange, request: Callable[[], Any]) -> None:
        super().__init__(stream)
        self._exchange = exchange
        self._request = request
        self._started = False

    async def read(self) -> bytes | None:
        chunk = await super().read()
        self._exchange.add_request_chunk(chunk or b"", last=not self._stream.request_body)
        return chunk

    @property
    def send(self) -> Any:
        """None once the response has ended, as in Sanic's own."""
        return None if self._stream.send is None else self._send_and_record

    async def _send_and_record(self, data: bytes, end_stream: bool) -> None:
        response = self._response
        body = data or (b"" if self._started else _find_body(response))
        ends = end_stream or (not data and not self._started and bool(body))
        await self._stream.send(data, end_stream=end_stream)
        if not self._started and response is not None:
            self._started = True
            self._exchange.begin_response(response.status, _encode_fields(response))
        if body:
            self._exchange.add_response_chunk(body)
        if ends or self._stream.send is None:
            self._exchange.finish(self._find_route)

    def _find_route(self) -> MatchedRoute | None:
        route = self._request().route
        return MatchedRoute("sanic", None if route is None else str(route.path))

    def __del__(self) -> None:
        self._exchange.abort()


class _HeldStream(_RelayedStream):
    """The stream of a replay: keeps its response back until that is complete, and sends it with the time it took."""

    def __init__(self, stream: Any, replay: TimedReplay) -> None:
        super().__init__(stream)
        self._replay = replay
        self._held = True

    @property
    def send(self) -> Any:
        """None once the response has ended, as in Sanic's own."""
        return None if self._stream.send is None else self._hold_or_send

    async def _hold_or_send(self, data: bytes, end_stream: bool) -> None:
        if not self._held:
            await self._stream.send(data, end_stream=end_stream)
            return
        response = self._response
        content_type = str(getattr(response, "content_type", "") or "")
        endless = is_endless(int(getattr(response, "status", 200)), content_type)
        if not end_stream and not endless and self._replay.hold(data):
            return
        self._held = False
        chunks = self._replay.take_chunks()
        chunks += [data] if end_stream or endless else []
        if response is not None:
            for name, value in self._replay.list_fields():
                response.headers.add(name, value)
        for index, chunk in enumerate(chunks):
            await self._stream.send(chunk, end_stream=end_stream and index == len(chunks) - 1)


def _find_body(response: Any) -> bytes:
    body = getattr(response, "body", None)
    return body if isinstance(body, bytes) else str(body or "").encode()


def _encode_fields(response: Any) -> Headers:
    return tuple((bytes(name).lower(), bytes(value)) for name, value in response.processed_headers if value != b"")
