"""The hook in the shadow: it times replays from inside the app, as the hook in the primary times requests.

The time goes into a header line of its own, `Server-Timing: darklaunch;dur=<ms>` (W3C Server Timing), followed by
`darklaunch-build;desc="<build>"` where the process was told which version it runs. A header is sent before the body,
but the time is known only when the body ends. So the response to a replay is held back until it is complete; nobody but
a worker waits for it. A response larger than the body cap, or one that never ends, is sent as it comes, and its time is
that until its headers were sent.

The end is that of the primary's hook: ASGI's last message, and in WSGI the moment at which the app has no more to give.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from time import perf_counter
from typing import Any

from darklaunch_shared.wire.http_headers import SERVER_TIMING, SERVER_TIMING_FIELD, format_server_timing

from .capture.skip_reasons import is_streaming
from .shadow_request import iterate_marked, marking_shadow_request
from .wsgi_io import SentFile, is_iterable

Message = MutableMapping[str, Any]
Write = Callable[[bytes], Any]


class TimedASGIReplay:
    """Runs an ASGI app for one replay, and adds the time to its response."""

    def __init__(
        self,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
        hold_bytes: int,
        build: str = "",
        *,
        is_shadow: bool = False,
    ) -> None:
        self._is_shadow = is_shadow
        self._receive = receive
        self._send = send
        self._hold_bytes = hold_bytes
        self._build = build
        self._held_messages: list[Message] = []
        self._held_size = 0
        self._started_s = perf_counter()

    async def run(self, app: Callable[..., Awaitable[None]], scope: Message) -> None:
        """Run the app for one replay."""
        try:
            with marking_shadow_request(self._is_shadow):
                await app(scope, self._receive, self.send)
        except Exception:
            await self._send_held()  # without the hook it would have been sent by now
            raise
        await self._send_held()

    async def send(self, message: Message) -> None:
        """Delay a message, or pass it on."""
        kind = message["type"]
        if kind == "http.response.start":
            message = {**message, "headers": list(message.get("headers", ()))}  # given as an iterator, perhaps
        if kind == "http.response.start" and not self._held_messages and not _is_endless(message):
            self._held_messages.append(message)
        elif kind == "http.response.body" and self._held_messages:
            body = bytes(message.get("body", b""))  # a copy: the app may reuse its own buffer
            self._held_messages.append({**message, "body": body})
            self._held_size += len(body)
            if not message.get("more_body", False) or self._held_size > self._hold_bytes:
                await self._send_held()
        else:
            await self._send_held()
            await self._send(self._add_timing(message) if kind == "http.response.start" else message)

    async def _send_held(self) -> None:
        messages, self._held_messages = self._held_messages, []
        for index, message in enumerate(messages):
            await self._send(self._add_timing(message) if index == 0 else message)

    def _add_timing(self, start: Message) -> Message:
        header = (SERVER_TIMING_FIELD.encode(), _format_timing(self._started_s, self._build).encode())
        return {**start, "headers": [*start["headers"], header]}


def _is_endless(start: Message) -> bool:
    types = [bytes(value) for name, value in start["headers"] if name.lower() == b"content-type"]
    return is_streaming(start["status"], types[0].decode("latin-1") if types else "")


class TimedWSGIReplay:
    """Runs a WSGI app for one replay, and adds the time to its response."""

    def __init__(
        self,
        environ: dict[str, Any],
        start_response: Callable[..., Write],
        hold_bytes: int,
        build: str = "",
        *,
        is_shadow: bool = False,
    ) -> None:
        self._is_shadow = is_shadow
        self._environ = environ
        self._start_response = start_response
        self._hold_bytes = hold_bytes
        self._build = build
        self._held_start: tuple[Any, ...] = ()
        self._written: list[bytes] = []  # held back as well
        self._written_size = 0
        self._write: Write | None = None
        self._sent_file = SentFile(environ)
        self._started_s = perf_counter()

    def run(self, app: Callable[..., Iterable[bytes]]) -> Iterable[bytes]:
        """Run the app for one replay."""
        with marking_shadow_request(self._is_shadow):
            result = app(self._environ, self.start_response)
        if isinstance(result, list | tuple) or self._sent_file.is_sent(result) or not is_iterable(result):
            self._send_start()
            return result
        with marking_shadow_request(self._is_shadow):
            chunks = iter(result)
        chunks = iterate_marked(chunks, self._is_shadow)
        return _HeldBody(result, self._yield_when_complete(chunks), is_shadow=self._is_shadow)

    def start_response(self, *args: Any) -> Write:
        """Delay the status and header fields; a second call, with exc_info, replaces them (PEP 3333)."""
        if self._write is not None or len(args) < 2:
            return self._start_response(*args)
        status, headers, *exc_info = args
        self._held_start = (status, list(headers), *exc_info)
        return self._hold_written

    def _hold_written(self, data: bytes) -> Any:
        if self._write is not None:
            return self._write(data)
        self._written.append(bytes(data))
        self._written_size += len(data)
        if self._written_size > self._hold_bytes or self._is_endless():
            self._send_start()
        return None

    def _send_start(self) -> None:
        if self._held_start and self._write is None:
            status, headers, *exc_info = self._held_start
            timed_headers = [*headers, (SERVER_TIMING, _format_timing(self._started_s, self._build))]
            self._write = self._start_response(status, timed_headers, *exc_info)
            for data in self._written:
                self._write(data)
            self._written.clear()

    def _yield_when_complete(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the chunks once the last one is there, or there are too many to hold."""
        held: list[bytes] = []
        size = 0
        failure: Exception | None = None
        try:
            for chunk in chunks:
                held.append(chunk)
                size += len(chunk)
                if size > self._hold_bytes or self._is_endless():
                    break
        except Exception as error:
            failure = error
        self._send_start()
        yield from held
        if failure is not None:
            raise failure
        yield from chunks

    def _is_endless(self) -> bool:
        status, headers = self._held_start[:2] or ("200", ())
        types = [str(value) for name, value in headers if str(name).lower() == "content-type"]
        return is_streaming(int(status[:3]), types[0] if types else "")


class _HeldBody:
    """The body of a held response. Closing it closes the app's own."""

    def __init__(self, result: Iterable[bytes], chunks: Iterator[bytes], *, is_shadow: bool) -> None:
        self._is_shadow = is_shadow
        self._result = result
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        if close := getattr(self._result, "close", None):
            with marking_shadow_request(self._is_shadow):
                close()


def _format_timing(started_s: float, build: str) -> str:
    return format_server_timing((perf_counter() - started_s) * 1000, build)
