"""One request as it is being recorded: the request side of the hook, the same for ASGI and WSGI.

Bodies are kept as the chunks that passed, by reference. The rest is written down once the user has the whole answer;
then nothing waits but that text, the bodies and the route.
"""

from time import perf_counter, time_ns
from typing import Final, NamedTuple

from darklaunch_shared.launch.spec import SAFE_METHODS

from darklaunch.routes.endpoint import Route

from .buffer import RecordingBuffer
from .headers import ByName, NotHttp, RawHeaders
from .serialize import RecordingSerializer
from .skip_reasons import response_skip

_TEXT_BYTES: Final = 1_000  # set aside for it from the beginning; until then the header fields are the server's
_OVERHEAD_BYTES: Final = 1_000 + _TEXT_BYTES  # its own objects, roughly
_BODILESS: Final = frozenset({204, 304})


class RequestHead(NamedTuple):
    """A request without its body.

    `target` is the raw request target, latin-1; `headers` are as the server gave them, `fields` the same by name.
    `name` and `port` are what the server calls itself, for a request without Host; `client` is the peer's address, ""
    when unknown. `body_bytes` is how long the body is: None when only its end will tell.
    """

    method: str
    target: str
    scheme: str
    name: str
    port: int | str | None
    client: str
    headers: RawHeaders
    fields: ByName
    body_bytes: int | None


class FinishedRecording(NamedTuple):
    """A finished recording as it waits for the background thread, with `held_bytes` set aside for it.

    `text` is what `pack_text` wrote. `given` are the request's header fields with its credentials, kept only when a
    launch is going to seal them.
    """

    launches: tuple[str, ...]
    captured_at_ms: int
    method: str
    target: str
    status: int
    route: Route | None
    text: bytes
    request: bytes
    response: bytes
    given: RawHeaders | None
    held_bytes: int


def body_bytes(method: str, length: str | bytes | None, chunked: bool, http_version: str) -> int | None:
    """Tell how long a request's body is going to be: None when only its end will tell (RFC 9112, 6.3).

    `length` is its Content-Length, `chunked` says that it has a Transfer-Encoding.
    """
    if length and length.isascii() and length.isdigit():
        return int(length)
    if chunked:
        return None
    return None if http_version >= "2" and method not in SAFE_METHODS else 0


class Recording:
    """A sampled request and the answer to it, until it is handed over, skipped or given up.

    Only while `open` is there anything to record. `launches` are the names of those that sampled it, `seals` says that
    one of them seals credentials.
    """

    open = True
    route: Route | None = None
    _status = 0
    _answer_headers: RawHeaders = ()
    _latency_s = 0.0
    _heard_bytes = _said_bytes = _held_bytes = 0
    _loss = ""

    def __init__(
        self,
        head: RequestHead,
        launches: tuple[str, ...],
        outbox: RecordingBuffer,
        writer: RecordingSerializer,
        *,
        seals: bool = False,
    ) -> None:
        self.head, self._launches, self._outbox, self._writer, self._seals = head, launches, outbox, writer, seals
        self._heard: list[bytes] = []
        self._said: list[bytes] = []
        self._heard_end = head.body_bytes == 0
        self._hold(_OVERHEAD_BYTES)
        self._captured_at_ms = time_ns() // 1_000_000
        self._started_s = perf_counter()

    def hear(self, chunk: bytes, *, end: bool = False) -> None:
        """Record a piece of the request's body; `end` says that it was the last."""
        if chunk:
            chunk = chunk if type(chunk) is bytes else bytes(chunk)
            self._heard_bytes += len(chunk)
            self._keep(self._heard, chunk, self._heard_bytes)
        if end or self._heard_bytes == self.head.body_bytes:
            self._heard_end = True

    def begin_answer(self, status: int, content_type: str, headers: RawHeaders) -> None:
        """Record the response's status and header fields."""
        self._status, self._answer_headers = status, headers
        if reason := response_skip(status, content_type, self._writer.skip_content_types):
            self.skip(reason)

    def say(self, chunk: bytes, at_s: float) -> None:
        """Record a piece of the response's body, handed to the server at `at_s` (perf_counter)."""
        self._latency_s = at_s - self._started_s
        if chunk and self.head.method != "HEAD" and self._status not in _BODILESS:  # servers send none of it
            chunk = chunk if type(chunk) is bytes else bytes(chunk)  # a buffer may be used again by the app
            self._said_bytes += len(chunk)
            self._keep(self._said, chunk, self._said_bytes)

    def is_whole(self) -> bool:
        """Tell whether the response is complete although nobody asked for its end: all that was announced is there."""
        if self.head.method == "HEAD" or self._status in _BODILESS:
            return bool(self._status)
        lengths = [value for name, value in self._answer_headers if _is_length(name)]
        return len(lengths) == 1 and str(self._said_bytes) == lengths[0]

    def finish(self) -> None:
        """Hand the complete recording over, or count why not."""
        if not self.open:
            return
        if not self._status:
            self.skip("aborted")
        elif not self._heard_end:
            self.skip("unread_body")
        else:
            if not self._loss:
                self._hand_over()
            self.open = False
            if self._loss:
                self._drop()
                self._outbox.note(self._launches, self._loss, sampled=True)

    def skip(self, reason: str) -> None:
        """Give the recording up: the request does not count as sampled."""
        if self.open:
            self.open = False
            self._drop()
            self._outbox.note(self._launches, reason)

    def _hand_over(self) -> None:
        head = self.head
        try:
            text = self._writer.write(
                head.method, head.target, (head.scheme, head.name, head.port), head.headers,
                self._status, self._answer_headers, self._latency_s,
            )  # fmt: skip
        except (NotHttp, TypeError, ValueError):  # an app or a server may say what is not HTTP
            self._lose("bad_input")
            return
        given = head.headers if self._seals else None
        size = len(text) if given is None else 2 * len(text)
        if size > _TEXT_BYTES and not self._hold(size - _TEXT_BYTES):
            return
        recorded = FinishedRecording(
            self._launches, self._captured_at_ms, head.method, head.target, self._status, self.route,
            text, b"".join(self._heard), b"".join(self._said), given, self._held_bytes,
        )  # fmt: skip
        if not self._outbox.put(recorded):
            self._lose("outbox_full")

    def _keep(self, chunks: list[bytes], chunk: bytes, total: int) -> None:
        if self._loss:
            return
        if total > self._writer.body_cap_bytes:
            self._lose("too_large")
        elif self._hold(len(chunk)):
            chunks.append(chunk)

    def _hold(self, size: int) -> bool:
        if self._outbox.reserve(size):
            self._held_bytes += size
            return True
        self._lose("outbox_full")
        return False

    def _lose(self, reason: str) -> None:
        self._loss = self._loss or reason
        self._drop()

    def _drop(self) -> None:
        self._heard.clear()
        self._said.clear()
        held, self._held_bytes = self._held_bytes, 0
        self._outbox.release(held)


def _is_length(name: bytes | str) -> bool:
    return name.lower() in ("content-length", b"content-length")
