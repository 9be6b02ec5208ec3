"""The hook as pure WSGI middleware (PEP 3333): decide, tee, hand over. Nothing else happens in the request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from time import perf_counter
from typing import Any, Final, Unpack

from .capture.recorder import CaptureRecorder, recorder_for
from .capture.recording import Recording, RequestHead, body_bytes
from .capture.request_target import wsgi_target
from .capture.skip_reasons import REPLAY_MARK
from .routes.endpoint import picked_up, wsgi_route
from .settings import HookOptions
from .shadow_timing import TimedWSGIReplay
from .wsgi_io import RequestInput, ResponseBody, SizedResponseBody

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], Any]]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]

_MARK: Final = "HTTP_" + REPLAY_MARK.upper().replace("-", "_")
_TAKEN: Final = "darklaunch.recording"


class WSGICaptureMiddleware:
    """Mirror a share of a WSGI app's requests while a launch is active.

        app.wsgi_app = WSGICaptureMiddleware(app.wsgi_app)             # Flask
        application = WSGICaptureMiddleware(get_wsgi_application())    # Django

    Options are keyword arguments or DARKLAUNCH_… in the environment, see `darklaunch.settings.Options`. Wrong ones
    raise nothing: the hook says so in the log `darklaunch` and stays off. Install it once, outside of what compresses
    or rewrites responses. Files that the server sends by itself (`wsgi.file_wrapper`) are not captured. uWSGI must run
    with --enable-threads.

    In the shadow, leave the Redis URL out: the hook then only adds `Server-Timing: darklaunch;dur=<ms>` to replays.
    """

    def __init__(self, app: WSGIApp, **options: Unpack[HookOptions]) -> None:
        self.app = app
        self._recorder = recorder_for(options, "wsgi", self)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        side = self._decide(environ, start_response)
        return self.app(environ, start_response) if side is None else side.run(self.app)

    def _decide(self, environ: Environ, start_response: StartResponse) -> _WsgiTee | TimedWSGIReplay | None:
        try:
            recorder = self._recorder
            if _MARK in environ:
                recorder.count_loop()
                settings = recorder.settings
                return TimedWSGIReplay(environ, start_response, settings.body_cap_bytes, settings.build)
            u = recorder.draw()
            if u >= recorder.snapshot.ceiling or _TAKEN in environ:
                return None
            target = wsgi_target(environ)
            recording = recorder.begin(u, environ["REQUEST_METHOD"], target, partial(_read_head, environ, target))
            if recording is None:
                return None
            environ[_TAKEN] = True
            return _WsgiTee(recorder, recording, environ, start_response)
        except BaseException as error:  # not only Exception: a panic of an extension module is none
            self._recorder.complain("deciding about a request", error)
            return None


class _WsgiTee:
    """Passes one request through and records it."""

    __slots__ = ("_environ", "_path", "_recorder", "_recording", "_start_response")

    def __init__(
        self, recorder: CaptureRecorder, recording: Recording, environ: Environ, start_response: StartResponse
    ) -> None:
        self._recorder, self._recording = recorder, recording
        self._environ, self._start_response = environ, start_response
        self._path = str(environ.get("PATH_INFO", ""))
        if recording.head.body_bytes != 0 and "wsgi.input" in environ:
            environ["wsgi.input"] = RequestInput(environ["wsgi.input"], self.hear)

    def run(self, app: WSGIApp) -> Iterable[bytes]:
        try:
            result = app(self._environ, self.start_response)
        except BaseException:
            self._recorder.abort(self._recording)
            raise
        try:
            return self._watched(result)
        except BaseException as error:
            self._recorder.give_up(self._recording, error)
            return result

    def start_response(self, *args: Any) -> Callable[[bytes], Any]:
        headers = _copied(args)  # before the server has them, which may change the list in place
        write = self._start_response(*args)
        if not self._recording.open:
            return write
        try:
            self._recording.begin_answer(int(args[0][:3]), _content_type(headers), headers)
            # Flask forgets it before the body's end.
            self._recording.route = picked_up(wsgi_route, self._environ, self._path)
        except BaseException as error:
            self._recorder.give_up(self._recording, error)
            return write
        return partial(self._write, write)

    def hear(self, chunk: bytes, size: Any, rest: bool) -> None:
        """Record what the app read, having asked for `size`; with `rest`, getting less means that this was all."""
        try:
            size = -1 if size is None else size
            self._recording.hear(chunk, end=size != 0 and (not chunk or (rest and not 0 < size <= len(chunk))))
        except BaseException as error:
            self._recorder.give_up(self._recording, error)

    def say(self, chunk: bytes) -> None:
        """Record what the app gives the server."""
        try:
            self._recording.say(chunk, perf_counter())
        except BaseException as error:
            self._recorder.give_up(self._recording, error)

    def end(self, complete: bool) -> None:
        """Record the end of the response; `complete` says that the app had nothing more to give."""
        recording = self._recording
        try:
            if recording.open:
                if complete or recording.is_whole():
                    recording.finish()
                else:
                    recording.skip("aborted")
        except BaseException as error:
            self._recorder.give_up(self._recording, error)

    def _write(self, write: Callable[[bytes], Any], data: bytes) -> Any:
        written = write(data)
        self.say(data)
        return written

    def _watched(self, result: Iterable[bytes]) -> Iterable[bytes]:
        """Give the server what it would have got, or something that passes on the same."""
        wrapper = self._environ.get("wsgi.file_wrapper")
        if isinstance(wrapper, type) and isinstance(result, wrapper):  # the server asks for the type, and sends a file
            self._recording.skip("unsupported")
            return result
        if isinstance(result, list | tuple):  # a server may ask for the length; and all of it is here already
            for chunk in result or (b"",):
                self.say(chunk)
            self.end(True)
            return result
        return (SizedResponseBody if hasattr(result, "__len__") else ResponseBody)(result, self.say, self.end)


def _copied(args: tuple[Any, ...]) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(args[1])
    except Exception:
        return ()


def _content_type(headers: tuple[tuple[str, str], ...]) -> str:
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
        body_bytes=body_bytes(
            method,
            fields.get("content-length"),
            "transfer-encoding" in fields,
            str(environ.get("SERVER_PROTOCOL", "HTTP/1.1")).rpartition("/")[2],
        ),
    )
