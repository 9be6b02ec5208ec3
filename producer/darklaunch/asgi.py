"""The hook as pure ASGI middleware: decide, tee, hand over. Nothing else happens in the request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from time import perf_counter
from typing import Any, Final, Unpack, cast

from .capture.recorder import CaptureRecorder, recorder_for
from .capture.recording import Recording, RequestHead, body_bytes
from .capture.request_target import asgi_target
from .capture.skip_reasons import REPLAY_MARK
from .routes.endpoint import asgi_route, picked_up
from .settings import HookOptions
from .shadow_timing import TimedASGIReplay

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]

_MARK: Final = REPLAY_MARK.encode()
_UNSEEN: Final = frozenset({"http.response.pathsend", "http.response.zerocopysend"})
_TAKEN: Final = "darklaunch.recording"


class CaptureMiddleware:
    """Mirror a share of an ASGI app's requests while a launch is active.

        app.add_middleware(CaptureMiddleware)            # FastAPI, Starlette
        app = CaptureMiddleware(app)                     # any ASGI app

    Options are keyword arguments or DARKLAUNCH_… in the environment, see `darklaunch.settings.Options`. Wrong ones
    raise nothing: the hook says so in the log `darklaunch` and stays off. Install it once, outside of what compresses
    or rewrites responses; with `add_middleware`, Starlette's own answer to an unhandled exception (500) is made further
    out and is counted as `aborted`, around the app it is captured.

    In the shadow, leave the Redis URL out: the hook then only adds `Server-Timing: darklaunch;dur=<ms>` to replays.
    """

    def __init__(self, app: ASGIApp, **options: Unpack[HookOptions]) -> None:
        self.app = app
        self._recorder = recorder_for(options, "asgi", self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        side: _AsgiTee | TimedASGIReplay | _LifespanRelay | None = None
        if kind == "http":
            side = self._decide(scope, receive, send)
        elif kind == "lifespan":
            side = _LifespanRelay(self._recorder, receive, send)
        if side is None:
            await self.app(scope, receive, send)
        else:
            await side.run(self.app, scope)

    def _decide(self, scope: Scope, receive: Receive, send: Send) -> _AsgiTee | TimedASGIReplay | None:
        try:
            fields = dict(scope["headers"])
            recorder = self._recorder
            if _MARK in fields:
                recorder.count_loop()
                return TimedASGIReplay(receive, send, recorder.settings.body_cap_bytes, recorder.settings.build)
            u = recorder.draw()
            if u >= recorder.snapshot.ceiling or _TAKEN in scope:
                return None
            target = asgi_target(scope, receive)
            recording = recorder.begin(u, scope["method"], target, partial(_read_head, scope, fields, target))
            if recording is None:
                return None
            scope[_TAKEN] = True
            return _AsgiTee(recorder, recording, scope, receive, send)
        except BaseException as error:  # not only Exception: a panic of an extension module is none
            self._recorder.complain("deciding about a request", error)
            return None


class _AsgiTee:
    """Passes one request through and records it. The server comes first: it gets each message before we look at it."""

    __slots__ = ("_receive", "_recorder", "_recording", "_root_path", "_said_all", "_scope", "_send")

    def __init__(
        self, recorder: CaptureRecorder, recording: Recording, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._recorder, self._recording = recorder, recording
        self._scope, self._receive, self._send = scope, receive, send
        self._root_path = str(scope.get("root_path", ""))
        self._said_all = False

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self.receive, self.send)
        finally:
            if self._recording.open:
                self._recorder.abort(self._recording)

    async def receive(self) -> Message:
        message = await self._receive()
        if self._recording.open:
            try:
                if message["type"] == "http.request":
                    self._recording.hear(message.get("body", b""), end=not message.get("more_body", False))
                elif message["type"] == "http.disconnect" and not self._said_all:
                    self._recording.skip("aborted")
            except BaseException as error:
                self._recorder.give_up(self._recording, error)
        return message

    async def send(self, message: Message) -> None:
        if not self._recording.open:
            await self._send(message)
            return
        at_s = perf_counter()
        headers: Headers | None = None
        try:  # what may have changed once the server has the message
            if message["type"] == "http.response.body":
                # From here on, being told that the client left can only mean that all was said.
                self._said_all = not message.get("more_body", False)
            else:
                # A middleware further out may change the list in place. Another kind of iterable may be read only once.
                given: object = message.get("headers", ())
                headers = tuple(cast(Headers, given)) if isinstance(given, list | tuple) else None
        except Exception:
            self._said_all = False
        await self._send(message)
        if not self._recording.open:  # the client left meanwhile
            return
        try:
            if message["type"] == "http.response.body":
                self._recording.say(message.get("body", b""), at_s)
                if self._said_all:
                    self._recording.route = picked_up(asgi_route, self._scope, self._root_path)
                    self._recording.finish()
            else:
                self._begin(message, headers)
        except BaseException as error:
            self._recorder.give_up(self._recording, error)

    def _begin(self, message: Message, headers: Headers | None) -> None:
        if message["type"] == "http.response.start":
            if headers is None or message.get("trailers", False):
                self._recording.skip("unsupported")
            else:
                self._recording.begin_answer(message["status"], _content_type(headers), headers)
        elif message["type"] in _UNSEEN:
            self._recording.skip("unsupported")


class _LifespanRelay:
    """Passes the server's start and end through: the thread starts with it, and ends before the server does.

    The end matters because uvicorn ends itself by the signal it was sent, and then no exit handler runs.
    """

    def __init__(self, recorder: CaptureRecorder, receive: Receive, send: Send) -> None:
        self._recorder, self._receive, self._send = recorder, receive, send

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        await app(scope, self._receive, self.send)

    async def send(self, message: Message) -> None:
        try:
            if message["type"] == "lifespan.startup.complete":
                self._recorder.start()
            elif message["type"].startswith("lifespan.shutdown"):
                self._recorder.stop(for_good=False)
        except BaseException as error:
            self._recorder.complain("starting or ending with the server", error)
        await self._send(message)


def _content_type(headers: Headers) -> str:
    fields = dict(headers)
    given = fields.get(b"content-type")
    if given is None:  # an app may write a name as it likes
        given = next((value for name, value in headers if name.lower() == b"content-type"), b"")
    return given.decode("latin-1")


def _read_head(scope: Scope, fields: dict[bytes, bytes], target: str) -> RequestHead:
    name, port = scope.get("server") or ("localhost", None)
    method, client = scope["method"], scope.get("client")
    length, chunked = fields.get(b"content-length"), b"transfer-encoding" in fields
    body = body_bytes(method, length, chunked, scope.get("http_version", "1.1"))
    peer, headers = client[0] if client else "", tuple(scope["headers"])
    return RequestHead(method, target, scope.get("scheme", "http"), name, port, peer, headers, fields, body)
