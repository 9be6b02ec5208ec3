"""One webhook: the event as JSON, signed together with the time, posted once."""

import hashlib
import hmac
import socket
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

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
    parts = urlsplit(url)
    try:
        for *_, address in socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM):
            if reason := explain_forbidden_address(str(address[0])):
                raise NotificationRefused(f"not sent: {parts.hostname} must not be called: {reason}")
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 (the policy admits http alone)
        with _OPENER.open(request, timeout=TIMEOUT_S) as response:
            return f"HTTP {response.status}"
    except urllib.error.HTTPError as error:
        error.close()
        raise NotificationFailed(f"HTTP {error.code}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise NotificationFailed(f"{type(error).__name__}: {error}") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
