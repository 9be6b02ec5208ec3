"""What the three native hooks share: deciding about a request, recording it, timing a replay of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Final

from darklaunch_shared.wire.http_headers import (
    EXCHANGE_HEADER,
    PROBE_HEADER,
    SERVER_TIMING,
    format_server_timing,
)

from darklaunch.capture.recorder import CaptureRecorder
from darklaunch.capture.recording import Recording, RequestHead, determine_body_bytes
from darklaunch.capture.request_target import to_origin_form
from darklaunch.capture.skip_reasons import is_streaming
from darklaunch.probe_answer import build_probe_field
from darklaunch.recorders import get_recorder
from darklaunch.routes.endpoint import MatchedRoute
from darklaunch.shadow_request import mark_shadow_request

MARK: Final = EXCHANGE_HEADER
"""The header of a replay."""

Headers = tuple[tuple[bytes, bytes], ...]
FindMatchedRoute = Callable[[], MatchedRoute | None]

# Between a server and its client (RFC 9110, 7.6.1): the ASGI and WSGI hooks see none of these.
_CONNECTION_HEADERS: Final = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"alt-svc", b"upgrade"})


class NativeHook:
    """The hook in one app, and the app; `framework` is its name."""

    def __init__(self, app: Any, framework: str, options: Mapping[str, Any]) -> None:
        self.app = app
        self.recorder = get_recorder(options, framework, self)
        self._is_shadow = not self.recorder.settings.redis_url

    def choose(
        self, is_replay: bool, read_head: Callable[[], RequestHead | None]
    ) -> RecordedExchange | TimedReplay | None:
        """Return what takes part in a request: its recording, the timing of a replay, or None.

        `read_head` reads the request where it is needed; None for what is no request of a client. Raises nothing of
        its own.
        """
        recorder = self.recorder
        try:
            if self._is_shadow:
                mark_shadow_request(is_replay)
            if is_replay:
                recorder.count_replay()
                head = read_head()
                return TimedReplay(recorder, head.fields if head else {})
            draw = recorder.draw()
            if draw >= recorder.snapshot.ceiling:
                return None
            head = read_head()
            if head is None:
                return None
            recording = recorder.begin_recording(draw, head.method, head.target, lambda: head)
            return None if recording is None else RecordedExchange(recorder, recording)
        except BaseException as error:  # a panic of an extension module is no Exception
            recorder.log_error("deciding about a request", error)
            return None

    def start(self) -> None:
        """Start the background thread with the server. Raises nothing of its own."""
        try:
            self.recorder.start()
        except BaseException as error:
            self.recorder.log_error("starting with the server", error)

    def stop(self) -> None:
        """Send what waits before the server ends. Raises nothing of its own."""
        try:
            self.recorder.stop(for_good=False)
        except BaseException as error:
            self.recorder.log_error("stopping with the server", error)


class RecordedExchange:
    """A recording as a native hook fills it. Its methods raise nothing of their own."""

    def __init__(self, recorder: CaptureRecorder, recording: Recording) -> None:
        self._recorder = recorder
        self._recording = recording
        self._announced_bytes: bytes | None = None
        self._response_bytes = 0

    @property
    def has_body(self) -> bool:
        """True if the request has a body, or may have one."""
        return self._recording.head.body_bytes != 0

    def add_request_chunk(self, chunk: bytes, *, last: bool) -> None:
        """Record a piece of the request's body that the app got for the first time."""
        try:
            if self._recording.open:
                self._recording.add_request_chunk(chunk, last=last)
        except BaseException as error:
            self._recorder.abandon_recording(self._recording, error)

    def begin_response(self, status: int, headers: Headers) -> None:
        """Record the response's status and header fields, as the client gets them."""
        try:
            fields = {name.lower(): value for name, value in headers}
            kept = tuple((name, value) for name, value in headers if name.lower() not in _CONNECTION_HEADERS)
            self._announced_bytes = fields.get(b"content-length")
            if self._recording.open:
                self._recording.begin_response(status, fields.get(b"content-type", b"").decode("latin-1"), kept)
        except BaseException as error:
            self._recorder.abandon_recording(self._recording, error)

    def add_response_chunk(self, chunk: bytes) -> None:
        """Record a piece of the response's body."""
        try:
            self._response_bytes += len(chunk)
            if self._recording.open:
                self._recording.add_response_chunk(chunk, perf_counter())
        except BaseException as error:
            self._recorder.abandon_recording(self._recording, error)

    def finish(self, find_route: FindMatchedRoute) -> None:
        """Hand the recording over: the response has ended."""
        recording = self._recording
        try:
            if not recording.open:
                return
            recording.end_response(perf_counter())
            if self._response_bytes == 0 and not self._ends_without_body():
                recording.skip("unsupported")  # a file that the kernel sent
                return
            try:
                recording.route = find_route()
            except Exception:  # on what a framework left: then the template is learned from the path
                recording.route = None
            recording.finish()
        except BaseException as error:
            self._recorder.abandon_recording(recording, error)

    def skip(self, reason: str) -> None:
        """Discard the recording, counted as skipped for a reason."""
        try:
            self._recording.skip(reason)
        except BaseException as error:
            self._recorder.abandon_recording(self._recording, error)

    def abort(self) -> None:
        """Discard the recording if the response has not ended: the client left, or the app failed."""
        if self._recording.open:
            self._recorder.abort_recording(self._recording)

    def _ends_without_body(self) -> bool:
        announced = self._announced_bytes
        return announced in (None, b"0") or self._recording.head.method == "HEAD" or self._recording.is_bodiless()


class TimedReplay:
    """The timing of a replay: what is held back of its response, and the header fields that are added to it."""

    def __init__(self, recorder: CaptureRecorder, fields: Mapping[Any, Any]) -> None:
        settings = recorder.settings
        self._build = settings.build
        self._room_bytes = settings.body_cap_bytes
        self._probe_field = build_probe_field(fields.get(PROBE_HEADER.encode(), b""), recorder)
        self._started_s = perf_counter()
        self.held_chunks: list[bytes] = []

    def hold(self, chunk: bytes) -> bool:
        """Keep a copy of a piece of the body. False once that is more than is held back: send all of it."""
        self.held_chunks.append(bytes(chunk))
        self._room_bytes -= len(chunk)
        return self._room_bytes >= 0

    def take_chunks(self) -> list[bytes]:
        """Return the pieces that are held back, which are the caller's to send."""
        chunks, self.held_chunks = self.held_chunks, []
        return chunks

    def list_fields(self) -> list[tuple[str, str]]:
        """Return the header fields to add to the response, now that it is sent."""
        timing = format_server_timing((perf_counter() - self._started_s) * 1000, self._build)
        return [(SERVER_TIMING, timing), *([self._probe_field] if self._probe_field else [])]


def is_endless(status: int, content_type: str) -> bool:
    """True if a response must not be held back, because it never ends by itself."""
    return is_streaming(status, content_type)


def build_head(
    method: str,
    raw_target: bytes,
    headers: Headers,
    *,
    http_version: str,
    scheme: str,
    server: Any,
    client: Any,
) -> RequestHead:
    """Return the head of a request. `headers` have lower-case names; `server` and `client` are addresses or None."""
    fields = dict(headers)
    name, port = server[:2] if isinstance(server, tuple) and len(server) > 1 else ("localhost", None)  # pyright: ignore
    return RequestHead(
        method=method,
        target=to_origin_form(raw_target.decode("latin-1")),
        scheme=scheme,
        name=str(name),  # pyright: ignore[reportUnknownArgumentType]
        port=port,  # pyright: ignore[reportUnknownArgumentType]
        client=str(client[0]) if isinstance(client, tuple) and client else "",  # pyright: ignore
        headers=headers,
        fields=fields,
        body_bytes=determine_body_bytes(
            method, fields.get(b"content-length"), b"transfer-encoding" in fields, http_version
        ),
    )
