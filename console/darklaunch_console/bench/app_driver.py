"""Call a web app without a server: one request after the other, each timed in the thread that answers it."""

from __future__ import annotations

import asyncio
import inspect
import io
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import unquote_to_bytes

from darklaunch_console.errors import ConsoleError

LIFESPAN_LIMIT_S: Final = 30.0

ASGI: Final = "asgi"
WSGI: Final = "wsgi"
App = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class RepeatedRequest:
    """The request to repeat: method, target (path and query), lower-case header fields, body."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class AppResponse:
    """The app's response: its status and the length of its body."""

    status: int
    body_bytes: int


class AppDriver(Protocol):
    """Calls one app."""

    def call(self, times: int) -> list[float]:
        """Call the app `times` times; return how long each call took, in seconds."""
        ...

    def request_once(self) -> AppResponse:
        """Call the app once and return its response."""
        ...

    def close(self) -> None:
        """End the app as a server would."""


class AppDidNotRespond(ConsoleError):
    """The app ended without a response, or could not be started."""


def detect_interface(app: App) -> str:
    """Return `asgi` if calling the app returns a coroutine, else `wsgi`."""
    called = app if inspect.isfunction(app) or inspect.ismethod(app) else type(app).__call__
    return ASGI if inspect.iscoroutinefunction(called) else WSGI


def make_driver(app: App, interface: str, call: RepeatedRequest) -> AppDriver:
    """Create the driver for an app. Raises AppDidNotRespond when its start-up fails."""
    return AsgiDriver(app, call) if interface == ASGI else WsgiDriver(app, call)


class AsgiDriver:
    """Calls an ASGI app on a loop of its own, with its lifespan around all calls."""

    def __init__(self, app: App, call: RepeatedRequest) -> None:
        self._app, self._call = app, call
        self._loop = asyncio.new_event_loop()
        self._lifespan = _AppLifespan(app)
        self._loop.run_until_complete(self._lifespan.start())

    def call(self, times: int) -> list[float]:
        return self._loop.run_until_complete(self._timed(times))

    def request_once(self) -> AppResponse:
        said: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        self._loop.run_until_complete(self._app(self._scope(), self._receiving(), send))
        status = [message["status"] for message in said if message["type"] == "http.response.start"]
        if not status:
            raise AppDidNotRespond("the app ended without a response")
        return AppResponse(status[0], sum(len(message.get("body", b"")) for message in said))

    def close(self) -> None:
        self._loop.run_until_complete(self._lifespan.stop())
        self._loop.close()

    async def _timed(self, times: int) -> list[float]:
        took_s: list[float] = []
        for _ in range(times):
            scope, receive = self._scope(), self._receiving()
            began_s = time.perf_counter()
            await self._app(scope, receive, _send_nowhere)
            took_s.append(time.perf_counter() - began_s)
        return took_s

    def _scope(self) -> dict[str, Any]:
        path, _, query = self._call.target.partition("?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self._call.method,
            "scheme": "http",
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self._call.headers],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8000),
            "state": self._lifespan.state.copy(),
            "extensions": {},
        }

    def _receiving(self) -> Callable[[], Awaitable[dict[str, Any]]]:
        told = False

        async def receive() -> dict[str, Any]:
            nonlocal told
            if told:
                return {"type": "http.disconnect"}
            told = True
            return {"type": "http.request", "body": self._call.body, "more_body": False}

        return receive


class WsgiDriver:
    """Calls a WSGI app."""

    def __init__(self, app: App, call: RepeatedRequest) -> None:
        self._app, self._call = app, call

    def call(self, times: int) -> list[float]:
        took_s: list[float] = []
        for _ in range(times):
            environ = self._environ()
            began_s = time.perf_counter()
            _consume(self._app(environ, _start_nothing))
            took_s.append(time.perf_counter() - began_s)
        return took_s

    def request_once(self) -> AppResponse:
        statuses: list[str] = []
        written: list[bytes] = []

        def start_response(status: str, _headers: object, _exc_info: object = None) -> Callable[[bytes], Any]:
            statuses.append(status)
            return written.append

        length = _consume(self._app(self._environ(), start_response))
        if not statuses:
            raise AppDidNotRespond("the app ended without a response")
        return AppResponse(int(statuses[-1][:3]), length + sum(map(len, written)))

    def close(self) -> None:
        pass

    def _environ(self) -> dict[str, Any]:
        path, _, query = self._call.target.partition("?")
        told = {name.replace("-", "_").upper(): value for name, value in self._call.headers}
        plain: dict[str, Any] = {name: told.pop(name) for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if name in told}
        return {
            "REQUEST_METHOD": self._call.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": self._call.target,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self._call.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            **plain,
            **{f"HTTP_{name}": value for name, value in told.items()},
        }


class _AppLifespan:
    """An ASGI app's start and end (ASGI lifespan 2.0). An app that supports none is called without."""

    def __init__(self, app: App) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the app. Raises AppDidNotRespond when the app reports a failure, or nothing within 30 s."""
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        call: Coroutine[Any, Any, None] = self._app(scope, self._heard.get, self._said.put)
        self._task = asyncio.create_task(call)
        answer = await self._ask("startup")
        if answer.get("type") == "lifespan.startup.failed":
            raise AppDidNotRespond(f"the app's start-up failed: {answer.get('message') or 'it did not say why'}")

    async def stop(self) -> None:
        """End the app."""
        if self._task is not None and not self._task.done():
            await self._ask("shutdown")
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ask(self, what: str) -> dict[str, Any]:
        assert self._task is not None
        await self._heard.put({"type": f"lifespan.{what}"})
        said = asyncio.create_task(self._said.get())
        await asyncio.wait({said, self._task}, timeout=LIFESPAN_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        if said.done():
            return said.result()
        said.cancel()
        if not self._task.done():
            raise AppDidNotRespond(f"the app's {what} did not end within {LIFESPAN_LIMIT_S:g} s")
        return {}  # it raised: it supports no lifespan


async def _send_nowhere(_message: dict[str, Any]) -> None:
    pass


def _start_nothing(*_args: Any) -> Callable[[bytes], Any]:
    return len


def _consume(result: Any) -> int:
    try:
        return sum(map(len, result))
    finally:
        if hasattr(result, "close"):
            result.close()
