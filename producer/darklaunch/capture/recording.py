"""One request while it is being recorded, the same for ASGI and WSGI.

Bodies are kept as the chunks that passed, by reference. The rest is serialized once the user has the whole response:
from then on only that text, the bodies and the route wait.
"""

from time import perf_counter, time_ns
from typing import Final, NamedTuple

from darklaunch_shared.launch.spec import SAFE_METHODS

from darklaunch.errors import UnsendableExchange
from darklaunch.routes.endpoint import MatchedRoute

from .buffer import RecordingBuffer
from .headers import HeadersByName, RawHeaders
from .serialize import RecordingSerializer
from .skip_reasons import find_response_skip

_TEXT_BYTES: Final = 1_000  # reserved for the serialized text from the start; until then the server holds the headers
_OVERHEAD_BYTES: Final = 1_000 + _TEXT_BYTES  # the recording's own objects, roughly
_BODILESS_STATUSES: Final = frozenset({204, 304})


class RequestHead(NamedTuple):
    """A request without its body.

    `target` is the raw request target, latin-1. `headers` are as the server gave them, `fields` the same by name.
    `name` and `port` are the server's own, for a request without Host. `client` is the peer's address, "" when unknown.
    `body_bytes` is the body's length in bytes, None when only its end will tell.
    """

    method: str
    target: str
    scheme: str
    name: str
    port: int | str | None
    client: str
    headers: RawHeaders
    fields: HeadersByName
    body_bytes: int | None


class FinishedRecording(NamedTuple):
    """A recording that waits for the delivery thread, with `reserved_bytes` of the buffer set aside for it.

    `text` is what `pack_http_meta` wrote. `unredacted_headers` are the request's header fields with its credentials,
    kept only when a launch is going to seal them.
    """

    launches: tuple[str, ...]
    captured_at_ms: int
    method: str
    target: str
    status: int
    route: MatchedRoute | None
    text: bytes
    request: bytes
    response: bytes
    unredacted_headers: RawHeaders | None
    reserved_bytes: int


def determine_body_bytes(method: str, length: str | bytes | None, chunked: bool, http_version: str) -> int | None:
    """Return the length of a request's body in bytes, None when only its end will tell (RFC 9112, 6.3).

    `length` is its Content-Length, `chunked` whether it has a Transfer-Encoding.
    """
    if length and length.isascii() and length.isdigit():
        return int(length)
    if chunked:
        return None
    return None if http_version >= "2" and method not in SAFE_METHODS else 0


class Recording:
    """A sampled request and its response, until it is handed over or given up.

    Nothing is recorded any more once `open` is False. `launches` are the names of those that sampled it, `seals` is
    whether one of them seals credentials.
    """

    # Defaults of the class: a recording sets only what its request needs.
    open = True
    route: MatchedRoute | None = None
    _status = 0
    _response_headers: RawHeaders = ()
    _latency_s = 0.0
    _request_bytes = _response_bytes = _reserved_bytes = 0
    _loss = ""

    def __init__(
        self,
        head: RequestHead,
        launches: tuple[str, ...],
        buffer: RecordingBuffer,
        serializer: RecordingSerializer,
        *,
        seals: bool = False,
    ) -> None:
        self.head = head
        self._launches = launches
        self._buffer = buffer
        self._serializer = serializer
        self._seals = seals
        self._request_chunks: list[bytes] = []
        self._response_chunks: list[bytes] = []
        self._request_complete = head.body_bytes == 0
        self._reserve_bytes(_OVERHEAD_BYTES)
        self._captured_at_ms = time_ns() // 1_000_000
        self._started_s = perf_counter()

    def add_request_chunk(self, chunk: bytes, *, last: bool = False) -> None:
        """Record a piece of the request's body."""
        if chunk:
            chunk = chunk if type(chunk) is bytes else bytes(chunk)
            self._request_bytes += len(chunk)
            self._keep_chunk(self._request_chunks, chunk, self._request_bytes)
        if last or self._request_bytes == self.head.body_bytes:
            self._request_complete = True

    def begin_response(self, status: int, content_type: str, headers: RawHeaders) -> None:
        """Record the response's status and header fields."""
        self._status = status
        self._response_headers = headers
        if reason := find_response_skip(status, content_type, self._serializer.skip_content_types):
            self.skip(reason)

    def add_response_chunk(self, chunk: bytes, at_s: float) -> None:
        """Record a piece of the response's body, handed to the server at `at_s` (perf_counter)."""
        self._latency_s = at_s - self._started_s
        # Servers send no body of these, whatever the app returns.
        if chunk and self.head.method != "HEAD" and self._status not in _BODILESS_STATUSES:
            chunk = chunk if type(chunk) is bytes else bytes(chunk)  # the app may reuse its own buffer
            self._response_bytes += len(chunk)
            self._keep_chunk(self._response_chunks, chunk, self._response_bytes)

    def end_response(self, at_s: float) -> None:
        """Record when the app had no more to give (perf_counter), where no last piece tells."""
        self._latency_s = at_s - self._started_s

    def is_response_complete(self) -> bool:
        """True if the response has all of its announced length, although nobody asked for its end."""
        if self.head.method == "HEAD" or self.is_bodiless():
            return self.has_whole_head()
        lengths = [value for name, value in self._response_headers if _is_content_length(name)]
        return len(lengths) == 1 and str(self._response_bytes) == lengths[0]

    def has_whole_head(self) -> bool:
        """True if the response has begun and is one without a body, whose end need not be awaited."""
        return bool(self._status) and (self.head.method == "HEAD" or self.is_bodiless())

    def is_bodiless(self) -> bool:
        """True if the response's status is one that has no body (204, 304)."""
        return self._status in _BODILESS_STATUSES

    def finish(self) -> None:
        """Hand the complete recording over, or count why that is not possible."""
        if not self.open:
            return
        if not self._status:
            self.skip("aborted")
        elif not self._request_complete:
            self.skip("unread_body")
        else:
            if not self._loss:
                self._hand_over()
            self.open = False
            if self._loss:
                self._discard_chunks()
                self._buffer.add_note(self._launches, self._loss, sampled=True)

    def skip(self, reason: str) -> None:
        """Discard the recording. The request is counted as skipped for `reason`, and not as sampled."""
        if self.open:
            self.open = False
            self._discard_chunks()
            self._buffer.add_note(self._launches, reason)

    def _hand_over(self) -> None:
        head = self.head
        try:
            text = self._serializer.serialize(
                head.method, head.target, (head.scheme, head.name, head.port), head.headers,
                self._status, self._response_headers, self._latency_s,
            )  # fmt: skip
        except (UnsendableExchange, TypeError, ValueError):  # an app or a server may write what is not HTTP
            self._mark_lost("bad_input")
            return
        unredacted_headers = head.headers if self._seals else None
        size = len(text) if unredacted_headers is None else 2 * len(text)
        if size > _TEXT_BYTES and not self._reserve_bytes(size - _TEXT_BYTES):
            return
        finished = FinishedRecording(
            self._launches, self._captured_at_ms, head.method, head.target, self._status, self.route,
            text, b"".join(self._request_chunks), b"".join(self._response_chunks),
            unredacted_headers, self._reserved_bytes,
        )  # fmt: skip
        if not self._buffer.add_recording(finished):
            self._mark_lost("buffer_full")

    def _keep_chunk(self, chunks: list[bytes], chunk: bytes, total_bytes: int) -> None:
        if self._loss:
            return
        if total_bytes > self._serializer.body_cap_bytes:
            self._mark_lost("too_large")
        elif self._reserve_bytes(len(chunk)):
            chunks.append(chunk)

    def _reserve_bytes(self, size: int) -> bool:
        if self._buffer.reserve_bytes(size):
            self._reserved_bytes += size
            return True
        self._mark_lost("buffer_full")
        return False

    def _mark_lost(self, reason: str) -> None:
        # It stays open: that the request was sampled is only known once its response is complete.
        self._loss = self._loss or reason
        self._discard_chunks()

    def _discard_chunks(self) -> None:
        self._request_chunks.clear()
        self._response_chunks.clear()
        reserved_bytes, self._reserved_bytes = self._reserved_bytes, 0
        self._buffer.release_bytes(reserved_bytes)


def _is_content_length(name: bytes | str) -> bool:
    return name.lower() in ("content-length", b"content-length")
