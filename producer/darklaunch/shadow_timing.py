"""The hook in the shadow: it times replays the way the hook in the primary times requests, from inside the app.

The time goes into `Server-Timing: darklaunch;dur=<ms>` (W3C Server Timing), as a header line of its own, followed by
`darklaunch-build;desc="<build>"` where the process was told which version it runs. A header is
sent before the body whose end it tells, so the answer to a replay is held back until it is complete; nobody but a
worker waits for it. An answer larger than the body cap, or one without an end, goes out as it comes, and its time is
that until it was let go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from time import perf_counter
from typing import Any, Final

from .capture.skip_reasons import is_streaming

HEADER: Final = "Server-Timing"

Message = MutableMapping[str, Any]
Write = Callable[[bytes], Any]


def server_timing(started_s: float, build: str) -> str:
    """Give the header's value: milliseconds since `started_s` (perf_counter), and the build unless it is ""."""
    time = f"darklaunch;dur={(perf_counter() - started_s) * 1000:.3f}"
    return f'{time}, darklaunch-build;desc="{build}"' if build else time


class TimedASGIReplay:
    """Answers one replay over ASGI."""

    def __init__(
        self,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
        hold_bytes: int,
        build: str = "",
    ) -> None:
        self._receive, self._send, self._hold_bytes, self._build = receive, send, hold_bytes, build
        self._held: list[Message] = []
        self._size = 0
        self._started_s = perf_counter()

    async def run(self, app: Callable[..., Awaitable[None]], scope: Message) -> None:
        """Run the app for one replay."""
        try:
            await app(scope, self._receive, self.send)
        except Exception:
            await self._let_go()  # what would have been sent by now
            raise
        await self._let_go()

    async def send(self, message: Message) -> None:
        """Hold a message back, or pass it on."""
        kind = message["type"]
        if kind == "http.response.start" and not self._held and not _is_endless(message):
            self._held.append(message)
        elif kind == "http.response.body" and self._held:
            body = bytes(message.get("body", b""))  # a buffer may be used again by the app
            self._held.append({**message, "body": body})
            self._size += len(body)
            if not message.get("more_body", False) or self._size > self._hold_bytes:
                await self._let_go()
        else:
            await self._let_go()
            await self._send(self._timed(message) if kind == "http.response.start" else message)

    async def _let_go(self) -> None:
        held, self._held = self._held, []
        for at, message in enumerate(held):
            await self._send(self._timed(message) if at == 0 else message)

    def _timed(self, start: Message) -> Message:
        header = (HEADER.lower().encode(), server_timing(self._started_s, self._build).encode())
        return {**start, "headers": [*start.get("headers", ()), header]}


def _is_endless(start: Message) -> bool:
    types = [bytes(value) for name, value in start.get("headers", ()) if name.lower() == b"content-type"]
    return is_streaming(start["status"], types[0].decode("latin-1") if types else "")


class TimedWSGIReplay:
    """Answers one replay over WSGI."""

    def __init__(
        self, environ: dict[str, Any], start_response: Callable[..., Write], hold_bytes: int, build: str = ""
    ) -> None:
        self._environ, self._start_response, self._hold_bytes, self._build = environ, start_response, hold_bytes, build
        self._start: tuple[Any, ...] = ()
        self._write: Write | None = None
        self._started_s = perf_counter()

    def run(self, app: Callable[..., Iterable[bytes]]) -> Iterable[bytes]:
        """Run the app for one replay."""
        result = app(self._environ, self.start_response)
        wrapper = self._environ.get("wsgi.file_wrapper")
        if isinstance(result, list | tuple) or (isinstance(wrapper, type) and isinstance(result, wrapper)):
            self._let_go()
            return result
        return _Held(result, self._complete(iter(result)))

    def start_response(self, *args: Any) -> Write:
        """Hold the status and header fields back; a second call, with exc_info, replaces them (PEP 3333)."""
        if self._write is not None or len(args) < 2:
            return self._start_response(*args)
        self._start = args
        return self._write_now

    def _write_now(self, data: bytes) -> Any:
        self._let_go()
        return self._write(data) if self._write else None

    def _let_go(self) -> None:
        if self._start and self._write is None:
            status, headers, *exc_info = self._start
            timed = [*headers, (HEADER, server_timing(self._started_s, self._build))]
            self._write = self._start_response(status, timed, *exc_info)

    def _complete(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Give the chunks once the last is there, or there are too many to hold."""
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
        self._let_go()
        yield from held
        if failure is not None:
            raise failure
        yield from chunks

    def _is_endless(self) -> bool:
        status, headers = self._start[:2] or ("200", ())
        types = [str(value) for name, value in headers if str(name).lower() == "content-type"]
        return is_streaming(int(status[:3]), types[0] if types else "")


class _Held:
    """The body of a held answer; closing it closes the app's own."""

    def __init__(self, result: Iterable[bytes], chunks: Iterator[bytes]) -> None:
        self._result, self._chunks = result, chunks

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        if close := getattr(self._result, "close", None):
            close()
