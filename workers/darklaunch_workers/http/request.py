"""A captured request as it is replayed. Pure functions.

Sources: RFC 9110 section 7.6.1 (hop-by-hop fields), RFC 9112 section 3 (request line), W3C Trace Context.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from darklaunch_shared.launch.origin import Origin
from darklaunch_shared.launch.spec import SAFE_METHODS
from darklaunch_shared.wire.exchange import Request
from darklaunch_shared.wire.http_headers import (
    DRY_RUN_HEADER,
    EXCHANGE_HEADER,
    LAUNCH_HEADER,
    TOKEN,
    TOKEN_CHARACTERS,
    make_idempotency_key,
)
from darklaunch_shared.wire.trace_headers import is_trace_header

from .errors import UnsendableRequest
from .interface import ShadowRequest

_STRIPPED: Final = frozenset(
    {
        # of one connection, not of the message
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"),
        # written again for the replay
        *("host", "content-length", LAUNCH_HEADER, EXCHANGE_HEADER, DRY_RUN_HEADER),
        # would make the shadow wait for a body that follows at once
        "expect",
    }
)
_LAUNCH: Final = LAUNCH_HEADER.encode()
_EXCHANGE: Final = EXCHANGE_HEADER.encode()
_DRY_RUN: Final = DRY_RUN_HEADER.encode()
_CACHED_NAME_CAP: Final = 64
"""Longer names of header fields are not cached: a client that makes up names must not fill the memory."""
_BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})

_TARGET: Final = re.compile(rb"[\x21-\x7e\x80-\xff]+")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-([0-9a-f]{2})(?:-.*)?")


def replay_request(
    request: Request, *, launch: str, exchange_id: str, shadow: Origin, host: str = "shadow", entropy: bytes
) -> ShadowRequest:
    """Return the request to send for a captured one. The client refuses what cannot be sent byte for byte.

    `host` is "shadow" for the shadow's own Host, "preserve" for the one the primary got, or else the Host itself;
    `entropy` is 24 random bytes for the trace and span ids. Raises UnsendableRequest for a target that is not a path,
    or not latin-1.
    """
    if not request.target.startswith("/"):  # a shadow could follow the name of another origin in it
        raise UnsendableRequest(f"the target {request.target[:80]!r} does not begin with a slash")
    try:
        headers = replay_headers(
            request, launch=launch, exchange_id=exchange_id, shadow=shadow, host=host, entropy=entropy
        )
        return ShadowRequest(request.method, request.target.encode("latin-1"), headers, request.body)
    except UnicodeEncodeError:
        raise UnsendableRequest("the captured request has characters that are not bytes (latin-1)") from None


def replay_headers(
    request: Request, *, launch: str, exchange_id: str, shadow: Origin, host: str, entropy: bytes
) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers to send: without those of the primary's connection, in order, marked as a replay.

    Writes get an Idempotency-Key, the same for every replay of the exchange. It never replaces the client's own: a key
    that the primary passed on to a third party must reach it unchanged to have its effect.
    """
    passed_on: list[tuple[bytes, bytes]] = []
    stripped: list[tuple[str, str]] = []
    for name, value in request.headers:
        sent_name = _name_to_send(name) if len(name) <= _CACHED_NAME_CAP else _name_to_send.__wrapped__(name)
        if sent_name is None:
            stripped.append((name.lower(), value))
        else:
            passed_on.append((sent_name, value.encode("latin-1").strip(b" \t")))
    if connection_options := {
        option.strip().lower().encode("latin-1")
        for name, value in stripped
        if name == "connection"
        for option in value.split(",")
    }:
        passed_on = [field for field in passed_on if field[0].lower() not in connection_options]
    authority = _choose_authority(request, shadow, host)
    headers = [(b"host", authority.encode("latin-1")), *passed_on]
    if request.body or request.method in _BODY_METHODS:
        headers.append((b"content-length", b"%d" % len(request.body)))
    headers.append((_LAUNCH, launch.encode("latin-1")))
    headers.append((_EXCHANGE, exchange_id.encode("latin-1")))
    if request.method not in SAFE_METHODS:
        headers.append((_DRY_RUN, b"1"))
        if not any(name.lower() == b"idempotency-key" for name, _ in passed_on):
            headers.append((b"idempotency-key", make_idempotency_key(launch, exchange_id).encode()))
    headers.append((b"traceparent", _make_traceparent(stripped, entropy)))
    return tuple(headers)


@lru_cache(maxsize=4096)
def _name_to_send(name: str) -> bytes | None:
    """Return a captured field's name as it is sent; None when the field is stripped. Raises UnicodeEncodeError."""
    field = name.lower()
    if field in _STRIPPED or field.startswith("proxy-") or is_trace_header(field):
        return None
    return name.encode("latin-1")


def check_sendable(request: ShadowRequest) -> None:
    """Raise UnsendableRequest unless every byte of the request means on the wire what it means here.

    A space or line end in the target, a line end or NUL in a header value, or a length that is not the body's would
    let one request read as another, or as two.
    """
    method, target, headers, body = request
    if not TOKEN.fullmatch(method) or method == "CONNECT":
        raise UnsendableRequest(f"{method[:40]!r} is not a method that can be replayed")
    if not _TARGET.fullmatch(target):
        raise UnsendableRequest(f"the target {target[:80]!r} is empty or has a space or control character in it")
    names = [name for name, _ in headers]
    joined = b":".join(names)
    if not all(names) or joined.translate(None, TOKEN_CHARACTERS) != b":" * (len(names) - 1):
        raise UnsendableRequest(
            "a header name is empty or has a character that is not allowed in it, or there is no header"
        )
    values = b"".join([value for _, value in headers])
    if b"\r" in values or b"\n" in values or b"\0" in values:
        raise UnsendableRequest("a header value has a line end or NUL in it")
    names = joined.lower().split(b":")
    if names.count(b"host") != 1 or b"transfer-encoding" in names:
        raise UnsendableRequest("the headers must hold exactly one Host and no Transfer-Encoding")
    lengths = [headers[at][1] for at, name in enumerate(names) if name == b"content-length"]
    if lengths != [b"%d" % len(body)] and (lengths or body):
        raise UnsendableRequest(f"the headers must hold one Content-Length, {len(body)} like the body")


def _choose_authority(request: Request, shadow: Origin, host: str) -> str:
    if host == "shadow":
        return shadow.authority
    return _read_primary_host(request) if host == "preserve" else host


def _read_primary_host(request: Request) -> str:
    for name, value in request.headers:
        if name.lower() == "host":
            return value
    return request.origin.partition("://")[2]


def _make_traceparent(captured: Iterable[tuple[str, str]], entropy: bytes) -> bytes:
    """Return a trace of its own, sampled exactly when the primary's was."""
    flags = "00"
    for name, value in captured:
        if name == "traceparent" and (parts := _TRACEPARENT.fullmatch(value.strip())):
            flags = "01" if int(parts[1], 16) & 1 else "00"
    return f"00-{entropy[:16].hex()}-{entropy[16:24].hex()}-{flags}".encode()
