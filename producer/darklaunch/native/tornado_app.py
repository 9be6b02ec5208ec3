"""The hook in a Tornado app: around the delegate that gets a request, and the connection that sends the response.

Both are interfaces of Tornado's own (`HTTPMessageDelegate`, `HTTPConnection`), so that whatever a handler does is
captured as the client gets it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from darklaunch.capture.recording import RequestHead
from darklaunch.routes.endpoint import MatchedRoute

from .hook import MARK, Headers, NativeHook, RecordedExchange, TimedReplay, build_head, is_endless


def install_in_tornado(app: Any, options: Mapping[str, Any]) -> NativeHook:
    """Put the hook into a `tornado.web.Application`."""
    hook = NativeHook(app, "tornado", options)
    app.start_request = partial(_RequestDelegate, hook, app.start_request)
    return hook


class _RequestDelegate:
    """Gets a request from Tornado's server, and passes it to the app's own delegate."""

    def __init__(self, hook: NativeHook, start_request: Callable[..., Any], server: Any, connection: Any) -> None:
        self._hook = hook
        self._start_request = start_request
        self._server = server
        self._connection = connection
        self._delegate: Any = None
        self._exchange: RecordedExchange | None = None

    def headers_received(self, start_line: Any, headers: Any) -> Any:
        connection = self._connection
        part = self._hook.choose(MARK in headers, partial(_read_head, start_line, headers, connection))
        if isinstance(part, RecordedExchange):
            self._exchange = part
            connection = _RecordedConnection(connection, part, partial(_find_route, self))
        elif part is not None:
            connection = _HeldConnection(connection, part)
        self._delegate = self._start_request(self._server, connection)
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Any:
        if self._exchange is not None:
            self._exchange.add_request_chunk(chunk, last=False)
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        if self._exchange is not None:
            self._exchange.add_request_chunk(b"", last=True)
        self._delegate.finish()

    def on_connection_close(self) -> None:
        if self._exchange is not None:
            self._exchange.abort()
        if self._delegate is not None:
            self._delegate.on_connection_close()

    def find_request(self) -> Any:
        """Return the HTTPServerRequest that was routed."""
        return getattr(getattr(self._delegate, "delegate", None), "request", None)

    @property
    def app(self) -> Any:
        return self._hook.app


def _find_route(delegate: _RequestDelegate) -> MatchedRoute | None:
    request = delegate.find_request()
    return None if request is None else MatchedRoute("tornado", (delegate.app, request))


def _read_head(start_line: Any, headers: Any, connection: Any) -> RequestHead | None:
    context = connection.context
    address = getattr(context, "remote_ip", None) or ""
    socket = getattr(getattr(connection, "stream", None), "socket", None)
    return build_head(
        start_line.method,
        start_line.path.encode("latin-1", "replace"),
        tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.get_all()),
        http_version=start_line.version.rpartition("/")[2],
        scheme=getattr(context, "protocol", "http"),
        server=socket.getsockname() if socket is not None else None,
        client=(address,),
    )


class _RecordedConnection:
    """The connection as a handler sees it: Tornado's own in all but what is recorded on the way."""

    def __init__(self, connection: Any, exchange: RecordedExchange, find_route: Callable[[], Any]) -> None:
        self._connection = connection
        self._exchange = exchange
        self._find_matched_route = find_route

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def write_headers(self, start_line: Any, headers: Any, chunk: bytes | None = None) -> Any:
        fields = _encode_fields(headers)
        future = self._connection.write_headers(start_line, headers, chunk)
        if start_line.code >= 200:
            self._exchange.begin_response(start_line.code, fields)
            if chunk:
                self._exchange.add_response_chunk(chunk)
        return future

    def write(self, chunk: bytes) -> Any:
        future = self._connection.write(chunk)
        self._exchange.add_response_chunk(chunk)
        return future

    def finish(self) -> None:
        self._connection.finish()
        self._exchange.finish(self._find_matched_route)

    def set_close_callback(self, callback: Callable[[], Any] | None) -> None:
        if callback is None:
            self._connection.set_close_callback(None)
            return

        def close() -> None:
            self._exchange.abort()
            callback()

        self._connection.set_close_callback(close)

    def detach(self) -> Any:
        self._exchange.skip("streaming")  # what follows is no HTTP
        return self._connection.detach()

    def __del__(self) -> None:
        self._exchange.abort()


class _HeldConnection:
    """The connection of a replay: keeps its response back until that is complete; sends it with the time it took."""

    def __init__(self, connection: Any, replay: TimedReplay) -> None:
        self._connection = connection
        self._replay = replay
        self._start: tuple[Any, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def write_headers(self, start_line: Any, headers: Any, chunk: bytes | None = None) -> Any:
        if start_line.code < 200:
            return self._connection.write_headers(start_line, headers, chunk)
        self._start = (start_line, headers)
        if is_endless(start_line.code, headers.get("Content-Type", "")):
            future = self._release()
            return self._connection.write(chunk) if chunk else future
        return self.write(chunk or b"")

    def write(self, chunk: bytes) -> Any:
        if self._start is None:
            return self._connection.write(chunk)
        return _create_done_future() if self._replay.hold(chunk) else self._release()

    def finish(self) -> None:
        self._release()
        self._connection.finish()

    def _release(self) -> Any:
        future: Any = None
        if self._start is not None:
            (start_line, headers), self._start = self._start, None
            for name, value in self._replay.list_fields():
                headers.add(name, value)
            future = self._connection.write_headers(start_line, headers, b"".join(self._replay.take_chunks()))
        return future


def _create_done_future() -> Any:
    import asyncio  # Tornado runs on it; a web app without Tornado need not load it

    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


def _encode_fields(headers: Any) -> Headers:
    return tuple((name.lower().encode("latin-1"), value.encode("utf-8")) for name, value in headers.get_all())
