"""The hook as pure WSGI middleware (PEP 3333). In the request it decides and records; the rest is background work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from time import perf_counter
from typing import Any, Final, Unpack

from darklaunch_shared.wire.http_headers import EXCHANGE_HEADER

from .capture.recorder import CaptureRecorder
from .capture.recording import Recording, RequestHead, determine_body_bytes
from .capture.request_target import read_wsgi_target
from .choose_hook import HOOK_CLASSES, RIGHT_HOOK, replace_wrong_hook
from .probe_answer import WSGI_FIELD, answer_wsgi_probe
from .recorders import get_recorder
from .routes.endpoint import find_route, find_wsgi_route
from .routes.routed_app import RECORDED
from .settings import HookOptions
from .shadow_timing import TimedWSGIReplay
from .wsgi_io import RequestInput, ResponseBody, SentFile, SizedResponseBody, is_iterable

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], Any]]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]

_MARK: Final = "HTTP_" + EXCHANGE_HEADER.upper().replace("-", "_")


class WSGICaptureMiddleware:
    """Mirror a share of a WSGI app's requests while a launch is active.

        app.wsgi_app = WSGICaptureMiddleware(app.wsgi_app)             # Flask
        application = WSGICaptureMiddleware(get_wsgi_application())    # Django

    Options are keyword arguments or DARKLAUNCH_… in the environment, see `darklaunch.settings.HookOptions`. Wrong ones
    raise nothing: the log `darklaunch` says what is wrong, and the hook stays off. Install it once, outside of what
    compresses or rewrites responses. Files that the server sends by itself (`wsgi.file_wrapper`) are not captured.
    uWSGI must run with --enable-threads.

    In the shadow, leave the Redis URL out: the hook then only adds `Server-Timing: darklaunch;dur=<ms>` to replays.
    """

    def __new__(cls, *given: Any, **options: Any) -> Any:
        """Create the hook; for an app that is none of WSGI's, return what that app needs, and log it.

        Without arguments, as `copy` calls it, it creates an empty one.
        """
        other = replace_wrong_hook(cls, "wsgi", given, options)
        return super().__new__(cls) if other is RIGHT_HOOK else other

    def __init__(self, app: Callable[..., Iterable[bytes]], **options: Unpack[HookOptions]) -> None:
        self.app: WSGIApp = app
        self._recorder = get_recorder(options, "wsgi", self)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the app, for code that goes on using the app by the name that the hook took."""
        if name.startswith("__") or "app" not in vars(self):
            raise AttributeError(name)
        return getattr(self.app, name)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        relay = self._choose_relay(environ, start_response)
        return self.app(environ, start_response) if relay is None else relay.run(self.app)

    def _choose_relay(self, environ: Environ, start_response: StartResponse) -> _WsgiTee | TimedWSGIReplay | None:
        try:
            recorder = self._recorder
            if _MARK in environ:
                recorder.count_replay()
                if WSGI_FIELD in environ:
                    start_response = answer_wsgi_probe(start_response, environ, recorder)
                settings = recorder.settings
                return TimedWSGIReplay(
                    environ,
                    start_response,
                    settings.body_cap_bytes,
                    settings.build,
                    is_shadow=not settings.redis_url,
                )
            draw = recorder.draw()
            if draw >= recorder.snapshot.ceiling or RECORDED in environ:
                return None
            target = read_wsgi_target(environ)
            read_head = partial(_read_head, environ, target)
            recording = recorder.begin_recording(draw, environ["REQUEST_METHOD"], target, read_head)
            if recording is None:
                return None
            environ[RECORDED] = self
            return _WsgiTee(recorder, recording, environ, start_response)
        except BaseException as error:  # a panic of an extension module is no Exception
            self._recorder.log_error("deciding about a request", error)
            return None


HOOK_CLASSES["wsgi"] = WSGICaptureMiddleware


class _WsgiTee:
    """Passes one request through and records it."""

    __slots__ = ("_environ", "_path", "_recorder", "_recording", "_sent_file", "_start_response")

    def __init__(
        self, recorder: CaptureRecorder, recording: Recording, environ: Environ, start_response: StartResponse
    ) -> None:
        self._recorder = recorder
        self._recording = recording
        self._environ = environ
        self._start_response = start_response
        self._path = str(environ.get("PATH_INFO", ""))
        self._sent_file = SentFile(environ)
        if recording.head.body_bytes != 0 and "wsgi.input" in environ:
            environ["wsgi.input"] = RequestInput(environ["wsgi.input"], self.record_read)

    def run(self, app: WSGIApp) -> Iterable[bytes]:
        try:
            result = app(self._environ, self.start_response)
        except BaseException:
            self._recorder.abort_recording(self._recording)
            raise
        try:
            return self._wrap_body(result)
        except BaseException as error:
            self._recorder.abandon_recording(self._recording, error)
            return result

    def start_response(self, *args: Any) -> Callable[[bytes], Any]:
        if len(args) > 1 and not isinstance(args[1], list | tuple):  # an iterator would be read up here
            args = (args[0], list(args[1]), *args[2:])
        headers = _copy_headers(args)  # before the server has the list, which it may change in place
        write = self._start_response(*args)
        if not self._recording.open:
            return write
        try:
            self._recording.begin_response(int(args[0][:3]), _find_content_type(headers), headers)  # pyright: ignore[reportGeneralTypeIssues]
            # Now, because Flask forgets the route before the body ends.
            self._recording.route = find_route(find_wsgi_route, self._environ, self._path)
        except BaseException as error:
            self._recorder.abandon_recording(self._recording, error)
            return write
        return partial(self._write_and_record, write)

    def record_read(self, chunk: bytes, last: bool) -> None:
        """Record what the app read for the first time; `last` if the body has ended with it."""
        try:
            self._recording.add_request_chunk(chunk, last=last)
        except BaseException as error:
            self._recorder.abandon_recording(self._recording, error)

    def record_chunk(self, chunk: bytes) -> None:
        """Record a piece of the response that the app gives the server."""
        try:
            self._recording.add_response_chunk(chunk, perf_counter())
        except BaseException as error:
            self._recorder.abandon_recording(self._recording, error)

    def record_end(self, exhausted: bool) -> None:
        """Record the end of the response. `exhausted`: the app had nothing more to give; else the server stopped.

        The app's time ends here, and not with its last piece: what it does after that keeps the client waiting too.
        """
        recording = self._recording
        try:
            if recording.open:
                if exhausted:
                    recording.end_response(perf_counter())
                if exhausted or recording.is_response_complete():
                    recording.finish()
                else:
                    recording.skip("aborted")
        except BaseException as error:
            self._recorder.abandon_recording(self._recording, error)

    def _write_and_record(self, write: Callable[[bytes], Any], data: bytes) -> Any:
        written = write(data)
        self.record_chunk(data)
        return written

    def _wrap_body(self, result: Iterable[bytes]) -> Iterable[bytes]:
        """Return the app's body itself where the server may look at its type, else one that yields the same chunks."""
        if self._sent_file.is_sent(result) or not is_iterable(result):
            self._recording.skip("unsupported")
            return result
        if isinstance(result, list | tuple):  # complete already, and a server may ask for its length
            for chunk in result:
                self.record_chunk(chunk)
            self.record_end(True)
            return result
        body_class = SizedResponseBody if hasattr(result, "__len__") else ResponseBody
        return body_class(result, self.record_chunk, self.record_end)


def _copy_headers(args: tuple[Any, ...]) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(args[1])
    except Exception:
        return ()


def _find_content_type(headers: tuple[tuple[str, str], ...]) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")


def _read_head(environ: Environ, target: str) -> RequestHead:
    headers = [
        (key[5:].replace("_", "-").lower(), str(value)) for key, value in environ.items() if key.startswith("HTTP_")
    ]
    headers += [
        (key.replace("_", "-").lower(), str(environ[key]))
        for key in ("CONTENT_TYPE", "CONTENT_LENGTH")
        if environ.get(key)
    ]
    method, fields = str(environ["REQUEST_METHOD"]), dict(headers)
    return RequestHead(
        method=method,
        target=target,
        scheme=str(environ.get("wsgi.url_scheme", "http")),
        name=str(environ.get("SERVER_NAME", "localhost")),
        port=str(environ.get("SERVER_PORT", "")),
        client=str(environ.get("REMOTE_ADDR", "")),
        headers=tuple(headers),
        fields=fields,
        body_bytes=determine_body_bytes(
            method,
            fields.get("content-length"),
            "transfer-encoding" in fields,
            str(environ.get("SERVER_PROTOCOL", "HTTP/1.1")).rpartition("/")[2],
        ),
    )
