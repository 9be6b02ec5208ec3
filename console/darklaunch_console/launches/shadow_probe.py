"""The shadow as the operator's machine sees it: its addresses, whether it may be called, and whether it responds.

Whether it is the primary itself shows in two ways. Captured exchanges have the origin where the primary serves its
clients. Before the first capture, the probe asks: a hook that captures names its producer in the response, and
a producer that is alive on this Redis is a primary's. A shadow's hook has no Redis and names none.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import httpx
from darklaunch_shared.errors import BadLaunch, BadOrigin
from darklaunch_shared.launch.origin import Origin, explain_forbidden_address, parse_origin
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.launch.tls import TlsFiles, compile_tls_files, make_tls_context
from darklaunch_shared.launch.tls_errors import explain_tls_error
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

    `hook`: it carries the hook. `producer` is the producer that captures there, "" if none does. `unasked`: nothing was
    sent, because a certificate file of the launch cannot be used on this machine. `reached`: a server is there, but
    there is no TLS or HTTP with it.
    """

    status: int
    took_ms: float
    hook: bool
    trouble: str = ""
    producer: str = ""
    unasked: bool = False
    reached: bool = False


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


def probe_origin(
    origin: Origin, address: str, limit_s: float = PROBE_LIMIT_S, *, tls: ssl.SSLContext | None = None
) -> ProbeResult:
    """Send one GET / to the shadow at an address, marked as a replay so that its hook captures nothing.

    `tls` is the context for an https origin, else the system's authorities are trusted. No redirect is followed and no
    body is read; the request is over within the limit for each step of it.
    """
    if tls is None:  # loading the system's authorities takes long, and plain HTTP needs none
        tls = make_tls_context(TlsFiles()) if origin.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    nonce = secrets.token_hex(16)
    url = httpx.URL(scheme=origin.scheme, host=address, port=origin.port, path="/")
    began = time.perf_counter()
    try:
        with (
            httpx.Client(verify=tls, trust_env=False, timeout=limit_s) as client,
            client.stream(
                "GET", url, headers=_make_headers(origin, nonce), extensions={"sni_hostname": origin.host}
            ) as response,
        ):
            took_ms = (time.perf_counter() - began) * 1000
            timing = response.headers.get(SERVER_TIMING, "")
            producer = parse_probe_answer(response.headers.get(PROBE_ANSWER_HEADER, ""), nonce)
            return ProbeResult(response.status_code, took_ms, has_server_timing(timing), producer=producer)
    except (httpx.HTTPError, OSError, ValueError) as error:
        trouble, reached = _explain_trouble(error, origin, limit_s)
        return ProbeResult(0, (time.perf_counter() - began) * 1000, False, trouble, reached=reached)


def probe_launch_origin(origin: Origin, address: str, spec: LaunchSpec, limit_s: float = PROBE_LIMIT_S) -> ProbeResult:
    """Probe a server as a launch's workers call it: with the launch's TLS files, as they are on this machine."""
    try:
        tls = make_tls_context(compile_tls_files(spec)) if origin.scheme == "https" else None
    except BadLaunch as unusable:
        return ProbeResult(0, 0.0, False, f"cannot be asked from here: {unusable}", unasked=True)
    return probe_origin(origin, address, limit_s, tls=tls)


def _make_headers(origin: Origin, nonce: str) -> dict[str, str]:
    return {
        "host": origin.authority,
        "user-agent": "darklaunch-probe",
        "accept": "*/*",
        "connection": "close",
        LAUNCH_HEADER: "probe",
        EXCHANGE_HEADER: "probe:0",
        PROBE_HEADER: nonce,
    }


def _explain_trouble(error: Exception, origin: Origin, limit_s: float) -> tuple[str, bool]:
    """Return why there is no response, and whether a server is there that speaks something else."""
    if isinstance(error, httpx.TimeoutException):
        return f"did not answer within {limit_s:g} s", False
    if isinstance(error, httpx.RemoteProtocolError):
        return _explain_no_http(error, origin), True
    cause = next((each for each in _list_causes(error) if isinstance(each, OSError)), None)
    if isinstance(cause, ConnectionRefusedError):
        return "refuses the connection", False
    if isinstance(cause, ssl.SSLError):
        return f"cannot be called over TLS: {explain_tls_error(cause, origin.host)}", True
    if isinstance(cause, ConnectionError):
        return _explain_close(origin), True
    why = (cause.strerror or cause) if cause else (error or type(error).__name__)
    return f"cannot be reached: {why}", False


def _explain_no_http(error: httpx.RemoteProtocolError, origin: Origin) -> str:
    if "without sending a response" in str(error):
        return _explain_close(origin)
    return "does not speak HTTP" if origin.scheme == "https" else "does not speak HTTP: is it https://?"


def _explain_close(origin: Origin) -> str:
    """Many servers refuse a client without a certificate, or without TLS, by closing the connection."""
    cause = "does it ask for a client certificate (--client-cert)" if origin.scheme == "https" else "is it https://"
    return f"closed the connection without a response: {cause}?"


def _list_causes(error: BaseException) -> Iterator[BaseException]:
    """Return an error and those it comes from: httpx wraps httpcore's, which wraps the socket's."""
    each: BaseException | None = error
    while each is not None:
        yield each
        each = each.__cause__ or each.__context__


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
