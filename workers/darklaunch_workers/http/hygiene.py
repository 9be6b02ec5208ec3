"""What a captured request looks like when it is replayed. Pure functions.

Sources: RFC 9110 section 7.6.1 (hop-by-hop fields), RFC 9112 section 3 (request line), W3C Trace Context.
"""

import re
from typing import Final
from uuid import UUID, uuid5

from darklaunch_shared.exchange import Headers, Request
from darklaunch_shared.launch import SAFE_METHODS
from darklaunch_shared.origin import Origin

from .errors import BadRequest
from .seam import ShadowRequest

LAUNCH_HEADER: Final = "x-darklaunch-launch"
EXCHANGE_HEADER: Final = "x-darklaunch-exchange"

_STRIPPED: Final = frozenset(
    {
        # of one connection, not of the message
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"),
        # written anew
        *("host", "content-length", LAUNCH_HEADER, EXCHANGE_HEADER),
        # would make the shadow wait for a body that follows at once
        "expect",
        # the primary's trace, which the replay must not extend
        *("traceparent", "tracestate", "b3"),
    }
)
_STRIPPED_PREFIXES: Final = ("proxy-", "x-b3-")
_BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
_KEYS: Final = UUID("6d1e0d8e-3f0b-5c58-9a56-0f5b8c2f7d11")

_TOKEN: Final = re.compile(rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")
_TOKENS: Final = re.compile(rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+(?::[-!#$%&'*+.^_`|~0-9a-zA-Z]+)*")
_TARGET: Final = re.compile(rb"[\x21-\x7e\x80-\xff]+")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-([0-9a-f]{2})(?:-.*)?")


def replay_request(
    request: Request, *, launch: str, exchange_id: str, shadow: Origin, host: str = "shadow", entropy: bytes
) -> ShadowRequest:
    """Turn a captured request into the one to send.

    `host` is "shadow" for the shadow's own Host or "preserve" for the one the primary got; `entropy` is 24 random
    bytes for the trace and span ids. Raises BadRequest when the result could not be sent byte for byte.
    """
    if not request.target.startswith("/"):  # a shadow may take another origin's name in it for an order to go there
        raise BadRequest(f"the target {request.target[:80]!r} does not begin with a slash")
    try:
        headers = replay_headers(
            request, launch=launch, exchange_id=exchange_id, shadow=shadow, host=host, entropy=entropy
        )
        replay = ShadowRequest(request.method, request.target.encode("latin-1"), headers, request.body)
    except UnicodeEncodeError:
        raise BadRequest("the captured request has characters that are no bytes (latin-1)") from None
    check_sendable(replay)
    return replay


def replay_headers(
    request: Request, *, launch: str, exchange_id: str, shadow: Origin, host: str, entropy: bytes
) -> tuple[tuple[bytes, bytes], ...]:
    """Strip what belongs to the primary's connection, keep the rest in order, add what marks a replay.

    The Idempotency-Key is for writes only, the same for every replay of the exchange, and never replaces the client's
    own: a key the primary passed on to a third party must reach it unchanged to have its effect.
    """
    captured = request.headers
    listed = {
        name.strip().lower() for field, value in captured if field.lower() == "connection" for name in value.split(",")
    }
    kept = [
        (name.encode("latin-1"), value.encode("latin-1").strip(b" \t"))
        for name, value in captured
        if (field := name.lower()) not in _STRIPPED and field not in listed and not field.startswith(_STRIPPED_PREFIXES)
    ]
    authority = _primary_host(request) if host == "preserve" else shadow.authority
    headers = [(b"host", authority.encode("latin-1")), *kept]
    if request.body or request.method in _BODY_METHODS:
        headers.append((b"content-length", str(len(request.body)).encode()))
    headers.append((LAUNCH_HEADER.encode(), launch.encode("latin-1")))
    headers.append((EXCHANGE_HEADER.encode(), exchange_id.encode("latin-1")))
    if request.method not in SAFE_METHODS and not any(name.lower() == b"idempotency-key" for name, _ in kept):
        headers.append((b"idempotency-key", str(uuid5(_KEYS, f"{launch}/{exchange_id}")).encode()))
    headers.append((b"traceparent", _traceparent(captured, entropy)))
    return tuple(headers)


def check_sendable(request: ShadowRequest) -> None:
    """Raise BadRequest unless every byte of the request means on the wire what it means here.

    A space or line end in the target, a line end or NUL in a header value, or a length that is not the body's would
    let one request read as another, or as two.
    """
    if not _TOKEN.fullmatch(request.method.encode("utf-8", "replace")) or request.method == "CONNECT":
        raise BadRequest(f"{request.method[:40]!r} is not a method that can be replayed")
    if not _TARGET.fullmatch(request.target):
        raise BadRequest(f"the target {request.target[:80]!r} is empty or has a space or control character in it")
    joined = b":".join([name for name, _ in request.headers]).lower()
    names = joined.split(b":")
    if not _TOKENS.fullmatch(joined) or len(names) != len(request.headers):
        raise BadRequest("a header name is empty or has a character that is not allowed in it, or there is no header")
    values = b"".join([value for _, value in request.headers])
    if b"\r" in values or b"\n" in values or b"\0" in values:
        raise BadRequest("a header value has a line end or NUL in it")
    lengths = [value for name, (_, value) in zip(names, request.headers, strict=True) if name == b"content-length"]
    length = str(len(request.body)).encode()
    if names.count(b"host") != 1 or b"transfer-encoding" in names:
        raise BadRequest("the headers must hold exactly one Host and no Transfer-Encoding")
    if lengths != [length] and (lengths or request.body):
        raise BadRequest(f"the headers must hold one Content-Length, {len(request.body)} like the body")


def _primary_host(request: Request) -> str:
    for name, value in request.headers:
        if name.lower() == "host":
            return value
    return request.origin.partition("://")[2]


def _traceparent(captured: Headers, entropy: bytes) -> bytes:
    """A trace of its own, sampled exactly when the primary's was."""
    flags = "00"
    for name, value in captured:
        if name.lower() == "traceparent" and (parts := _TRACEPARENT.fullmatch(value.strip())):
            flags = "01" if int(parts[1], 16) & 1 else "00"
    return f"00-{entropy[:16].hex()}-{entropy[16:24].hex()}-{flags}".encode()
