"""The hook as pure WSGI middleware (PEP 3333): decide, tee, hand over. Nothing else happens in the request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from time import perf_counter
from typing import Any, Final, Unpack

from .address import wsgi_target
from .recorder import Recorder, recorder_for
from .recording import Head, Recording, body_bytes
from .routes import wsgi_route
from .settings import Options
from .skips import REPLAY_MARK
from .timing import TimedWSGI

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
    or rewrites responses. Files that the server sends by itself (`wsgi.file_wrapper`) are not captured.

    In the shadow the same hook captures nothing and adds `Server-Timing: darklaunch;dur=<ms>` to replays.
    """

    def __init__(self, app: WSGIApp, **options: Unpack[Options]) -> None:
        self.app = app
        self._recorder = recorder_for(options, "wsgi")

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        side = self._decide(environ, start_response)
        return self.app(environ, start_response) if side is None else side.run(self.app)

    def _decide(self, environ: Environ, start_response: StartResponse) -> _Tee | TimedWSGI | None:
        try:
            recorder = self._recorder
            if _MARK in environ:
                recorder.count_loop()
                return TimedWSGI(environ, start_response, recorder.settings.body_cap_bytes)
            u = recorder.draw()
            if u >= recorder.snapshot.ceiling or _TAKEN in environ:
                return None
            target = wsgi_target(environ)
            recording = recorder.begin(u, environ["REQUEST_METHOD"], target, partial(_read_head, environ, target))
            if recording is None:
                return None
            environ[_TAKEN] = True
            return _Tee(recorder, recording, environ, start_response)
        except Exception:
            self._recorder.complain("deciding about a request")
            return None


class _Tee:
    """Passes one request through and records it."""

    __slots__ = ("_environ", "_path", "_recorder", "_recording", "_start_response")

    def __init__(
        self, recorder: Recorder, recording: Recording, environ: Environ, start_response: StartResponse
    ) -> None:
        self._recorder, self._recording = recorder, recording
        self._environ, self._start_response = environ, start_response
        self._path = str(environ.get("PATH_INFO", ""))
        if recording.head.body_bytes != 0 and "wsgi.input" in environ:
            environ["wsgi.input"] = _Input(environ["wsgi.input"], self)

    def run(self, app: WSGIApp) -> Iterable[bytes]:
        try:
            result = app(self._environ, self.start_response)
        except BaseException:
            self._recording.skip("aborted")
            raise
        try:
            return self._watched(result)
        except Exception:
            self._give_up()
            return result

    def start_response(self, *args: Any) -> Callable[[bytes], Any]:
        headers = _copied(args)  # before the server has them, which may change the list in place
        write = self._start_response(*args)
        if not self._recording.open:
            return write
        try:
            self._recording.begin_answer(int(args[0][:3]), _content_type(headers), headers)
            self._recording.route = wsgi_route(self._environ, self._path)  # Flask forgets it before the body's end
        except Exception:
            self._give_up()
            return write
        return partial(self._write, write)

    def hear(self, chunk: bytes, sizes: tuple[Any, ...] = (), *, rest: bool = False) -> None:
        """Record what the app read. `sizes` is what it asked for; with `rest`, getting less means that this was all."""
        try:
            size = sizes[0] if sizes and sizes[0] is not None else -1
            self._recording.hear(chunk, end=size != 0 and (not chunk or (rest and not 0 < size <= len(chunk))))
        except Exception:
            self._give_up()

    def say(self, chunk: bytes) -> None:
        """Record what the app gives the server."""
        try:
            self._recording.say(chunk, perf_counter())
        except Exception:
            self._give_up()

    def end(self, *, complete: bool) -> None:
        """Record the end of the response."""
        recording = self._recording
        try:
            if recording.open:
                if complete or recording.is_whole():
                    recording.finish()
                else:
                    recording.skip("aborted")
        except Exception:
            self._give_up()

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
            self.end(complete=True)
            return result
        return _SizedBody(result, self) if hasattr(result, "__len__") else _Body(result, self)

    def _give_up(self) -> None:
        self._recorder.complain("recording a request")
        self._recording.skip("hook_error")


class _Body:
    """The app's body, chunk by chunk as the server asks for it."""

    def __init__(self, result: Iterable[bytes], tee: _Tee) -> None:
        self._result, self._tee = result, tee
        self._iterator: Iterator[bytes] | None = None
        self._spoke = False

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
            if not self._spoke:
                self._tee.say(b"")
            self._tee.end(complete=True)
            raise
        except BaseException:
            self._tee.end(complete=False)
            raise
        self._spoke = True
        self._tee.say(chunk)
        return chunk

    def close(self) -> None:
        try:
            if close := getattr(self._result, "close", None):
                close()
        finally:
            self._tee.end(complete=False)

    def __del__(self) -> None:
        self._tee.end(complete=False)  # a server that never closes


class _SizedBody(_Body):
    """A body whose number of chunks a server may ask for."""

    def __len__(self) -> int:
        return len(self._result)  # type: ignore[arg-type]


class _Input:
    """The request's body as the app reads it. Whatever else the server's own has is reached through it."""

    def __init__(self, given: Any, tee: _Tee) -> None:
        self._given, self._tee = given, tee

    def read(self, *size: Any, **named: Any) -> bytes:
        chunk: bytes = self._given.read(*size, **named)
        self._tee.hear(chunk, size or tuple(named.values()), rest=True)
        return chunk

    def readline(self, *size: Any, **named: Any) -> bytes:
        line: bytes = self._given.readline(*size, **named)
        self._tee.hear(line, size or tuple(named.values()))
        return line

    def readlines(self, *size: Any, **named: Any) -> list[bytes]:
        lines: list[bytes] = self._given.readlines(*size, **named)
        self._tee.hear(b"".join(lines), size or tuple(named.values()), rest=True)
        return lines

    def __iter__(self) -> Iterator[bytes]:
        for line in self._given:
            self._tee.hear(line)
            yield line
        self._tee.hear(b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._given, name)


def _copied(args: tuple[Any, ...]) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(args[1])
    except Exception:
        return ()


def _content_type(headers: tuple[tuple[str, str], ...]) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")


def _read_head(environ: Environ, target: str) -> Head:
    headers = [
        (key[5:].replace("_", "-").lower(), str(value)) for key, value in environ.items() if key.startswith("HTTP_")
    ]
    headers += [
        (key.replace("_", "-").lower(), str(environ[key]))
        for key in ("CONTENT_TYPE", "CONTENT_LENGTH")
        if environ.get(key)
    ]
    host, port = str(environ.get("SERVER_NAME", "localhost")), str(environ.get("SERVER_PORT", ""))
    host = f"[{host}]" if ":" in host else host
    method = str(environ["REQUEST_METHOD"])
    return Head(
        method=method,
        target=target,
        scheme=str(environ.get("wsgi.url_scheme", "http")),
        server=f"{host}:{port}" if port else host,
        client=str(environ.get("REMOTE_ADDR", "")),
        headers=tuple(headers),
        body_bytes=body_bytes(
            method, dict(headers), str(environ.get("SERVER_PROTOCOL", "HTTP/1.1")).rpartition("/")[2]
        ),
    )
