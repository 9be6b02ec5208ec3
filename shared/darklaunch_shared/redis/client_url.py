"""A Redis URL as our clients take it: what it may say, and what stays ours whatever it says. Pure.

redis-py lets the query of a URL override any argument of a connection. One URL often serves several programs, so what
they set for themselves is left out here; a parameter that no Redis URL has is an error.
"""

import difflib
import re
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from darklaunch_shared.process.server_url import explain_unescaped

OURS: Final = frozenset({
    "client_name", "decode_responses", "encoding", "encoding_errors", "health_check_interval", "lib_name",
    "lib_version", "max_connections", "protocol", "retry_on_error", "retry_on_timeout", "socket_connect_timeout",
    "socket_keepalive", "socket_read_size", "socket_timeout", "timeout",
})  # fmt: skip
"""Parameters that are accepted and have no effect: raw bytes, bounded waits and no retry are part of the protocol."""
TLS: Final = frozenset({
    "ssl_ca_certs", "ssl_ca_data", "ssl_ca_path", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_ciphers",
    "ssl_keyfile", "ssl_min_version", "ssl_password",
})  # fmt: skip
_SERVER: Final = frozenset({"db", "username", "password"})
_NAME: Final = re.compile("[A-Za-z0-9_-]{1,40}")
_NO_CHECK: Final = frozenset({"none", "cert_none"})


def parse_redis_url(url: str) -> tuple[str, dict[str, Any]]:
    """Return the URL that redis-py is given, and further arguments of its connections.

    Raises ValueError for a URL that cannot be used; its text holds nothing of the URL but the name of a parameter.
    """
    if advice := explain_unescaped(url):
        raise ValueError(f"{advice} in its password")
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("it has another scheme")
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:  # its text quotes what stands where the port should
        port = 0
    if port == 0:
        raise ValueError("its port is not a number from 1 to 65535")
    if parts.scheme != "unix" and not unquote(parts.path).strip("/").isdigit() and parts.path.strip("/"):
        raise ValueError("its database is no number: write 0 after the host and port, or nothing")
    kept = {name: value for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in OURS}
    for name, value in kept.items():
        _check_parameter(name, value, parts.scheme)
    options: dict[str, Any] = {}
    if parts.scheme == "rediss" and kept.get("ssl_cert_reqs", "").lower() in _NO_CHECK:
        options["ssl_check_hostname"] = False  # the ssl module allows no check of names without one of certificates
    words = {name: _translate(name, value) for name, value in kept.items()}
    server = url.partition("#")[0].partition("?")[0]
    return server + (f"?{urlencode(words, quote_via=quote, safe='/')}" if words else ""), options


def _check_parameter(name: str, value: str, scheme: str) -> None:
    if name in TLS:
        if scheme != "rediss":
            raise ValueError(f"it has the parameter {name}, which is for TLS: write rediss:// before the host")
    elif name not in _SERVER:
        shown = name if _NAME.fullmatch(name) else "one that cannot be shown"
        near = difflib.get_close_matches(name, [*_SERVER, *TLS, *OURS], n=1, cutoff=0.75)
        hint = f": did you mean {near[0]}?" if near else ": leave it out"
        raise ValueError(f"it has the parameter {shown}, which no Redis URL has{hint}")
    elif name == "db" and not value.isdigit():
        raise ValueError("its database (db) is no number")


def _translate(name: str, value: str) -> str:
    """Return the value as redis-py names it; Celery's names of certificate checks are known, too."""
    return value.lower().removeprefix("cert_") if name == "ssl_cert_reqs" else value
