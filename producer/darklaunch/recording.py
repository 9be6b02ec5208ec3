"""One request as it is being recorded: the request side of the hook, the same for ASGI and WSGI.

Bodies are kept as the chunks that passed, by reference. Nothing is decoded, joined or redacted here.
"""

from itertools import chain
from time import perf_counter, time_ns
from typing import Final, NamedTuple

from darklaunch_shared.launch import SAFE_METHODS

from .fields import RawHeaders
from .outbox import Outbox
from .routes import Route
from .settings import Settings
from .skips import response_skip

_OVERHEAD_BYTES: Final = 1_000  # a recording's own objects, roughly
_BODILESS: Final = frozenset({204, 304})


class Head(NamedTuple):
    """A request without its body.

    `target` is the raw request target, latin-1; `headers` are as the server gave them. `server` is host[:port] as the
    server knows itself, for a request without Host; `client` is the peer's address, "" when unknown. `body_bytes` is
    how long the body is: None when only its end will tell.
    """

    method: str
    target: str
    scheme: str
    server: str
    client: str
    headers: RawHeaders
    body_bytes: int | None


def body_bytes(method: str, length: str, chunked: bool, http_version: str) -> int | None:
    """Tell how long a request's body is going to be: None when only its end will tell (RFC 9112, 6.3).

    `length` is its Content-Length, "" for none; `chunked` says that it has a Transfer-Encoding.
    """
    if length.isascii() and length.isdigit():
        return int(length)
    if chunked:
        return None
    return None if http_version >= "2" and method not in SAFE_METHODS else 0


class Recording:
    """A sampled request and the answer to it, until it is handed over, skipped or given up.

    Only while `open` is there anything to record. `launches` are the names of those that sampled it.
    """

    __slots__ = (
        "_heard_bytes",
        "_heard_end",
        "_loss",
        "_said_bytes",
        "_started_s",
        "answer_headers",
        "captured_at_ms",
        "head",
        "heard",
        "held_bytes",
        "latency_ms",
        "launches",
        "open",
        "outbox",
        "route",
        "said",
        "settings",
        "status",
    )

    def __init__(self, head: Head, launches: tuple[str, ...], outbox: Outbox, settings: Settings) -> None:
        self.head, self.launches, self.settings = head, launches, settings
        self.heard: list[bytes] = []
        self.said: list[bytes] = []
        self.status = 0
        self.answer_headers: RawHeaders = ()
        self.route: Route | None = None
        self.latency_ms = 0.0
        self.open = True
        self.outbox = outbox
        self._loss = ""
        self.held_bytes = self._heard_bytes = self._said_bytes = 0
        self._heard_end = head.body_bytes == 0
        self._hold(_OVERHEAD_BYTES + len(head.target) + sum(map(len, chain.from_iterable(head.headers))))
        self.captured_at_ms = time_ns() // 1_000_000
        self._started_s = perf_counter()

    def hear(self, chunk: bytes, *, end: bool = False) -> None:
        """Record a piece of the request's body; `end` says that it was the last."""
        if chunk:
            chunk = chunk if type(chunk) is bytes else bytes(chunk)
            self._heard_bytes += len(chunk)
            self._keep(self.heard, chunk, self._heard_bytes)
        if end or self._heard_bytes == self.head.body_bytes:
            self._heard_end = True

    def begin_answer(self, status: int, content_type: str, headers: RawHeaders) -> None:
        """Record the response's status and header fields."""
        self.status, self.answer_headers = status, headers
        if reason := response_skip(status, content_type, self.settings.skip_content_types):
            self.skip(reason)

    def say(self, chunk: bytes, at_s: float) -> None:
        """Record a piece of the response's body, handed to the server at `at_s` (perf_counter)."""
        self.latency_ms = (at_s - self._started_s) * 1000
        if chunk and self.head.method != "HEAD" and self.status not in _BODILESS:  # servers send none of it
            chunk = chunk if type(chunk) is bytes else bytes(chunk)  # a buffer may be used again by the app
            self._said_bytes += len(chunk)
            self._keep(self.said, chunk, self._said_bytes)

    def is_whole(self) -> bool:
        """Tell whether the response is complete although nobody asked for its end: all that was announced is there."""
        if self.head.method == "HEAD" or self.status in _BODILESS:
            return bool(self.status)
        lengths = [value for name, value in self.answer_headers if _is_length(name)]
        return len(lengths) == 1 and str(self._said_bytes) == lengths[0]

    def finish(self) -> None:
        """Hand the complete recording over, or count why not."""
        if not self.open:
            return
        if not self.status:
            self.skip("aborted")
        elif not self._heard_end:
            self.skip("unread_body")
        else:
            self.open = False
            if not self._loss and not self.outbox.put(self):
                self._loss = "outbox_full"
            if self._loss:
                self._drop()
                self.outbox.note(self.launches, self._loss, sampled=True)

    def skip(self, reason: str) -> None:
        """Give the recording up: the request does not count as sampled."""
        if self.open:
            self.open = False
            self._drop()
            self.outbox.note(self.launches, reason)

    def release(self) -> None:
        """Give the memory back: nothing of the recording is needed any more."""
        self._drop()

    def _keep(self, chunks: list[bytes], chunk: bytes, total: int) -> None:
        if self._loss:
            return
        if total > self.settings.body_cap_bytes:
            self._lose("too_large")
        elif self._hold(len(chunk)):
            chunks.append(chunk)

    def _hold(self, size: int) -> bool:
        if self.outbox.reserve(size):
            self.held_bytes += size
            return True
        self._lose("outbox_full")
        return False

    def _lose(self, reason: str) -> None:
        self._loss = self._loss or reason
        self._drop()

    def _drop(self) -> None:
        self.heard.clear()
        self.said.clear()
        held, self.held_bytes = self.held_bytes, 0
        self.outbox.release(held)


def _is_length(name: bytes | str) -> bool:
    return name.lower() in ("content-length", b"content-length")
