"""The hook as pure ASGI middleware. In the request it decides and records; the rest happens in the background."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from copy import copy
from functools import partial
from time import perf_counter
from typing import Any, Final, Unpack, cast

from darklaunch_shared.wire.http_headers import EXCHANGE_HEADER

from .capture.launch_snapshot import NOT_STARTED
from .capture.recorder import CaptureRecorder
from .capture.recording import Recording, RequestHead, determine_body_bytes
from .capture.request_target import read_asgi_target
from .choose_hook import HOOK_CLASSES, RIGHT_HOOK, replace_wrong_hook
from .probe_answer import ASGI_FIELD, answer_asgi_probe
from .recorders import get_recorder
from .routes.endpoint import find_asgi_route, find_route
from .routes.routed_app import RECORDED
from .settings import HookOptions
from .shadow_timing import TimedASGIReplay

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = tuple[Sequence[bytes], ...]
"""Pairs of name and value; an app may give each as a list or a tuple."""

_MARK: Final = EXCHANGE_HEADER.encode()
_FILE_MESSAGES: Final = frozenset({"http.response.pathsend", "http.response.zerocopysend"})
_UNKNOWN, _IN_PLACE, _REPLACED = range(3)


class CaptureMiddleware:
    """Mirror a share of an ASGI app's requests while a launch is active.

        app.add_middleware(CaptureMiddleware)            # FastAPI, Starlette
        app = CaptureMiddleware(app)                     # any ASGI app

    Options are keyword arguments or DARKLAUNCH_… in the environment, see `darklaunch.settings.HookOptions`. Wrong ones
    raise nothing: the log `darklaunch` says what is wrong, and the hook stays off. Install it once, outside of what
    compresses or rewrites responses. Added last with `add_middleware`, it moves outside of Starlette's own error
    handling with the first call, so that the 500 for an unhandled exception is captured as the user gets it.

    In the shadow, leave the Redis URL out: the hook then only adds `Server-Timing: darklaunch;dur=<ms>` to replays.
    """

    def __new__(cls, *given: Any, **options: Any) -> Any:
        """Create the hook; for an app that is none of ASGI's, return what that app needs, and log it.

        Without arguments, as `copy` calls it, it creates an empty one.
        """
        other = replace_wrong_hook(cls, "asgi", given, options)
        return super().__new__(cls) if other is RIGHT_HOOK else other

    def __init__(self, app: Callable[..., Awaitable[None]], **options: Unpack[HookOptions]) -> None:
        self.app: ASGIApp = app
        self.app_title = ""  # of the app that `add_middleware` put this hook into, known with the first event
        self._recorder = get_recorder(options, "asgi", self)
        self._place = _UNKNOWN

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the app, for code that goes on using the app by the name that the hook took."""
        if name.startswith("__") or "app" not in vars(self):
            raise AttributeError(name)
        return getattr(self.app, name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if self._place != _IN_PLACE:
            if self._place == _REPLACED:
                await self.app(scope, receive, send)
                return
            self._move_outside_error_handling(scope)
        relay: _AsgiTee | TimedASGIReplay | _LifespanRelay | None = None
        if kind == "http":
            relay = self._choose_relay(scope, receive, send)
        elif kind == "lifespan":
            self._note_title(scope)
            relay = _LifespanRelay(self._recorder, receive, send)
        if relay is None:
            await self.app(scope, receive, send)
        else:
            await relay.run(self.app, scope)

    def _move_outside_error_handling(self, scope: Scope) -> None:
        """Install a hook around the whole app, for the next call on, if this one is the outermost that was added.

        Starlette makes the 500 for an unhandled exception outside of all that `add_middleware` adds. Where a middleware
        was added outside of this hook it stays: their order is the app's.
        """
        self._place = _IN_PLACE
        try:
            owner: Any = scope.get("app")
            added = getattr(owner, "user_middleware", None)
            if added and added[0].cls is type(self) and _is_first_hook(self, owner.middleware_stack):
                outer = copy(self)
                outer.app = owner.middleware_stack
                owner.middleware_stack = outer
                self._place = _REPLACED
        except Exception as error:
            self._recorder.log_error("looking for its place in the app", error)

    def _choose_relay(self, scope: Scope, receive: Receive, send: Send) -> _AsgiTee | TimedASGIReplay | None:
        try:
            if not isinstance(scope["headers"], list | tuple):  # an iterator would be read up here
                scope["headers"] = list(scope["headers"])
            fields: dict[bytes, bytes] = dict(scope["headers"])  # pyright: ignore[reportUnknownArgumentType]
            recorder = self._recorder
            if _MARK in fields:
                recorder.count_replay()
                if ASGI_FIELD in fields:
                    send = answer_asgi_probe(send, fields, recorder)
                settings = recorder.settings
                return TimedASGIReplay(
                    receive, send, settings.body_cap_bytes, settings.build, is_shadow=not settings.redis_url
                )
            draw = recorder.draw()
            if draw >= recorder.snapshot.ceiling or RECORDED in scope:
                return None
            if recorder.snapshot is NOT_STARTED:
                self._note_title(scope)
            target = read_asgi_target(scope, receive)
            read_head = partial(_read_head, scope, fields, target)
            recording = recorder.begin_recording(draw, scope["method"], target, read_head)
            if recording is None:
                return None
            scope[RECORDED] = self
            return _AsgiTee(recorder, recording, scope, receive, send)
        except BaseException as error:  # a panic of an extension module is no Exception
            self._recorder.log_error("deciding about a request", error)
            return None

    def _note_title(self, scope: Scope) -> None:
        """Keep the title of the FastAPI app that the scope names: nothing leads to it from within its middleware."""
        self.app_title = str(getattr(scope.get("app"), "title", ""))


HOOK_CLASSES["asgi"] = CaptureMiddleware


def _is_first_hook(hook: CaptureMiddleware, stack: Any) -> bool:
    """True if a hook is the first that a request meets in an app's middlewares."""
    while stack is not None and type(stack) is not type(hook):
        stack = getattr(stack, "app", None)
    return stack is hook


class _AsgiTee:
    """Passes one request through and records it. The server gets each message before it is recorded."""

    __slots__ = ("_receive", "_recorder", "_recording", "_response_complete", "_root_path", "_scope", "_send")

    def __init__(
        self, recorder: CaptureRecorder, recording: Recording, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._recorder = recorder
        self._recording = recording
        self._scope = scope
        self._receive = receive
        self._send = send
        self._root_path = str(scope.get("root_path", ""))
        self._response_complete = False

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self.receive, self.send)
        finally:
            if self._recording.open:
                self._recorder.abort_recording(self._recording)

    async def receive(self) -> Message:
        message = await self._receive()
        if self._recording.open:
            try:
                if message["type"] == "http.request":
                    last = not message.get("more_body", False)
                    self._recording.add_request_chunk(message.get("body", b""), last=last)
                elif message["type"] == "http.disconnect" and not self._response_complete:
                    self._end_with_client()
            except BaseException as error:
                self._recorder.abandon_recording(self._recording, error)
        return message

    async def send(self, message: Message) -> None:
        if not self._recording.open:
            await self._send(message)
            return
        if message["type"] == "http.response.start" and not isinstance(message.get("headers"), list):
            # Any iterable is allowed, also one that can be read only once.
            message = {**message, "headers": list(message.get("headers", ()))}
        at_s = perf_counter()
        headers: Headers = ()
        try:  # to read what may have changed once the server has the message
            if message["type"] == "http.response.body":
                # A disconnect after the last piece no longer means that the client missed something.
                self._response_complete = not message.get("more_body", False)
            else:
                # A middleware further out may change the list in place.
                headers = tuple(cast(Headers, message.get("headers", ())))
        except Exception:
            self._response_complete = False
        await self._send(message)
        if not self._recording.open:  # the client left meanwhile
            return
        try:
            if message["type"] == "http.response.body":
                self._recording.add_response_chunk(message.get("body", b""), at_s)
                if self._response_complete:
                    self._recording.route = find_route(find_asgi_route, self._scope, self._root_path)
                    self._recording.finish()
            else:
                self._begin_response(message, headers)
        except BaseException as error:
            self._recorder.abandon_recording(self._recording, error)

    def _end_with_client(self) -> None:
        """End the recording of a client that has left: it has all of a response to HEAD, of a 204 or 304."""
        if self._recording.has_whole_head():
            self._recording.end_response(perf_counter())
            self._recording.route = find_route(find_asgi_route, self._scope, self._root_path)
            self._recording.finish()
        else:
            self._recording.skip("aborted")

    def _begin_response(self, message: Message, headers: Headers) -> None:
        if message["type"] == "http.response.start":
            if message.get("trailers", False):
                self._recording.skip("unsupported")
            else:
                self._recording.begin_response(message["status"], _find_content_type(headers), headers)
        elif message["type"] in _FILE_MESSAGES:
            self._recording.skip("unsupported")


class _LifespanRelay:
    """Passes the lifespan messages through: the delivery thread starts with the server, and ends before it does.

    Waiting for the exit handler is not enough: uvicorn ends itself with the signal it was sent, and then none runs.
    """

    def __init__(self, recorder: CaptureRecorder, receive: Receive, send: Send) -> None:
        self._recorder = recorder
        self._receive = receive
        self._send = send

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        await app(scope, self._receive, self.send)

    async def send(self, message: Message) -> None:
        try:
            if message["type"] == "lifespan.startup.complete":
                self._recorder.start()
            elif message["type"].startswith("lifespan.shutdown"):
                self._recorder.stop(for_good=False)
        except BaseException as error:
            self._recorder.log_error("starting or stopping with the server", error)
        await self._send(message)


def _find_content_type(headers: Headers) -> str:
    # dict() takes pairs of any kind, which its types do not say.
    fields: dict[bytes, bytes] = dict(headers)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    content_type = fields.get(b"content-type")
    if content_type is None:  # an app may write the name in upper case
        content_type = next((value for name, value in headers if name.lower() == b"content-type"), b"")
    return content_type.decode("latin-1")


def _read_head(scope: Scope, fields: dict[bytes, bytes], target: str) -> RequestHead:
    name, port = scope.get("server") or ("localhost", None)
    method, client = scope["method"], scope.get("client")
    length, chunked = fields.get(b"content-length"), b"transfer-encoding" in fields
    body_bytes = determine_body_bytes(method, length, chunked, scope.get("http_version", "1.1"))
    peer, headers = client[0] if client else "", tuple(scope["headers"])
    # By position: keywords would cost a sampled request a tenth of a microsecond.
    return RequestHead(method, target, scope.get("scheme", "http"), name, port, peer, headers, fields, body_bytes)
