"""The shadow as the operator's machine sees it: its addresses, whether it may be called, and whether it responds.

Whether it is the primary itself shows in two ways. Captured exchanges have the origin where the primary serves its
clients. Before the first capture, the probe asks: a hook that captures names its producer in the response, and
a producer that is alive on this Redis is a primary's. A shadow's hook has no Redis and names none.
"""

from __future__ import annotations

import http.client
import ipaddress
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from darklaunch_shared.errors import BadOrigin
from darklaunch_shared.launch.origin import Origin, explain_forbidden_address, parse_origin
from darklaunch_shared.wire.http_headers import (
    EXCHANGE_HEADER,
    LAUNCH_HEADER,
    PROBE_ANSWER_HEADER,
    PROBE_HEADER,
    SERVER_TIMING,
    has_server_timing,
    parse_probe_answer,
)

PROBE_LIMIT_S: Final = 5.0
RESOLVE_LIMIT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a GET / to the shadow gave: a status, or in `trouble` why there is none.

    `hook`: it carries the hook. `producer` is the producer that captures there, "" if none does.
    """

    status: int
    took_ms: float
    hook: bool
    trouble: str = ""
    producer: str = ""


def resolve_host(host: str, port: int) -> tuple[str, ...]:
    """Resolve a host name or address within 5 s; () when it does not resolve."""
    found: list[str] = []

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend(dict.fromkeys(str(answer[4][0]).partition("%")[0] for answer in answers))

    thread = threading.Thread(target=look_up, daemon=True)  # getaddrinfo has no time limit of its own
    thread.start()
    thread.join(RESOLVE_LIMIT_S)
    return tuple(found)


def explain_forbidden(addresses: Iterable[str]) -> str | None:
    """Return why one of the addresses must not be called, or None if all may be."""
    return next((why for address in addresses if (why := explain_forbidden_address(address))), None)


def probe_origin(origin: Origin, address: str, limit_s: float = PROBE_LIMIT_S) -> ProbeResult:
    """Send one GET / to the shadow at an address, marked as a replay so that its hook captures nothing.

    No redirect is followed and no body is read; the request is over within the limit for each step of it.
    """
    context = ssl.create_default_context() if origin.scheme == "https" else None
    nonce = secrets.token_hex(16)
    began = time.perf_counter()
    try:
        with socket.create_connection((address, origin.port), limit_s) as plain:
            stream = context.wrap_socket(plain, server_hostname=origin.host) if context else plain
            with stream:
                connection = http.client.HTTPConnection(origin.host, origin.port, timeout=limit_s)
                connection.sock = stream
                connection.request("GET", "/", headers=_headers(origin, nonce))
                answer = connection.getresponse()
                took_ms = (time.perf_counter() - began) * 1000
                timing = answer.getheader(SERVER_TIMING) or ""
                producer = parse_probe_answer(answer.getheader(PROBE_ANSWER_HEADER) or "", nonce)
                return ProbeResult(answer.status, took_ms, has_server_timing(timing), producer=producer)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return ProbeResult(0, (time.perf_counter() - began) * 1000, False, _trouble(error, limit_s))


def _headers(origin: Origin, nonce: str) -> dict[str, str]:
    return {
        "host": origin.authority,
        "user-agent": "darklaunch-probe",
        "accept": "*/*",
        "connection": "close",
        LAUNCH_HEADER: "probe",
        EXCHANGE_HEADER: "probe:0",
        PROBE_HEADER: nonce,
    }


def _trouble(error: Exception, limit_s: float) -> str:
    if isinstance(error, TimeoutError):
        return f"did not answer within {limit_s:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "refuses the connection"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"has a certificate that cannot be verified: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return "does not speak TLS"
    if isinstance(error, http.client.HTTPException):
        return "does not speak HTTP"
    return f"cannot be reached: {error.strerror or error}" if isinstance(error, OSError) else f"gave {error}"


def find_captured_at(shadow: Origin, addresses: Sequence[str], captured: Iterable[str]) -> str | None:
    """Return the captured origin that is the shadow itself, by name or by address and port, or None.

    `captured` are the origins of recent exchanges, `http://host:port` as the primary's clients saw it.
    """
    own = {shadow.host, *addresses}
    for text in captured:
        try:
            origin = parse_origin(text)
        except BadOrigin:
            continue
        if origin.port != shadow.port:
            continue
        if origin.host in own or own & set(_addresses(origin)):
            return text
    return None


def _addresses(origin: Origin) -> tuple[str, ...]:
    try:
        return (str(ipaddress.ip_address(origin.host)),)
    except ValueError:
        return resolve_host(origin.host, origin.port)
