"""One webhook: the event as JSON, signed together with the time, posted once."""

import hashlib
import hmac
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Final

import httpx
import orjson
from darklaunch_shared.launch.origin import explain_forbidden_address
from darklaunch_shared.wire.http_headers import EVENT_HEADER, SIGNATURE_HEADER

from darklaunch_comparator.errors import NotificationFailed, NotificationRefused
from darklaunch_comparator.store.deliveries import NotifiedEvent

TIMEOUT_S: Final = 5.0


def pack_event(event: NotifiedEvent) -> bytes:
    """Return an event as the JSON that receivers get."""
    return orjson.dumps({
        "event": event.number,
        "launch": event.launch,
        "act": event.act,
        "at": event.at,
        "actor": event.actor,
        "why": event.reason,
        "revision": event.revision,
        "evidence": event.data,
    })  # fmt: skip


def sign_webhook(body: bytes, at_s: int, secret: str) -> str:
    """Return the signature of a body and its time (epoch s): receivers can refuse what is sent again much later."""
    digest = hmac.new(secret.encode(), b"%d." % at_s + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


def post_webhook(url: str, event: NotifiedEvent, secret: str) -> str:
    """Post an event once and return the receiver's status. Follows no redirect, uses no proxy.

    Raises NotificationFailed unless the receiver accepts (2xx), NotificationRefused for an address that must not be
    called.
    """
    body = pack_event(event)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "darklaunch",
        "Idempotency-Key": f"darklaunch-{event.launch}-{event.number}",
        EVENT_HEADER: event.act,
        SIGNATURE_HEADER: sign_webhook(body, int(time.time()), secret),
    }
    target = httpx.URL(url)
    try:
        with httpx.Client(verify=_make_context(target), trust_env=False, timeout=TIMEOUT_S) as client:
            response = _post_to_first(client, target, _resolve(target), body, headers)
    except (httpx.HTTPError, OSError, ValueError) as error:
        raise NotificationFailed(f"{type(error).__name__}: {error}") from error
    if not response.is_success:
        raise NotificationFailed(f"HTTP {response.status_code}")
    return f"HTTP {response.status_code}"


def _resolve(target: httpx.URL) -> list[str]:
    """Return the addresses of the receiver. Raises NotificationRefused if it must not be called, and OSError."""
    port = target.port or (443 if target.scheme == "https" else 80)
    answers = socket.getaddrinfo(target.host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    for address in addresses:
        if reason := explain_forbidden_address(address):
            raise NotificationRefused(f"not sent: {target.host} must not be called: {reason}")
    return addresses


def _post_to_first(
    client: httpx.Client, target: httpx.URL, addresses: Sequence[str], body: bytes, headers: Mapping[str, str]
) -> httpx.Response:
    """Post to the first address that takes a connection: the very addresses that were checked, no later lookup."""
    for address in addresses:
        try:
            return client.post(
                target.copy_with(host=address),
                content=body,
                headers={**headers, "Host": target.netloc.decode("ascii")},
                extensions={"sni_hostname": target.host},
            )
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if address == addresses[-1]:
                raise
    raise OSError(f"{target.host} has no address")


def _make_context(target: httpx.URL) -> ssl.SSLContext:
    """Return the context for a receiver; loading the system's authorities takes long, and plain HTTP needs none."""
    return ssl.create_default_context() if target.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
