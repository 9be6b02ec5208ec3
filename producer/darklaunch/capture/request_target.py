"""The request target byte for byte, and the origin as the client saw it."""

import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

INVALID_IN_TARGET: Final = re.compile(r"[\x00-\x20\x7f]")
"""What cannot stand in a request line's target: a space, a control character."""

_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_AUTHORITY: Final = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_HOST_CHARS: Final = 300
"""A host name has at most 253 characters (RFC 1035). Anything longer is ignored, and not remembered."""
_PATH_SAFE: Final = "/:@!$&'()*+,;=~-._"


def read_asgi_target(scope: Mapping[str, Any], receive: object) -> str:
    """Return the target of an ASGI request; "" for one that cannot be repeated (OPTIONS *, a bare authority).

    `raw_path` has no query. uvicorn prefixes it with --root-path, which was not in the request; other servers do not,
    and FastAPI(root_path=…) only tells the app. `receive` shows which server is calling.
    """
    raw: bytes | None = scope.get("raw_path")
    path = raw.decode("latin-1") if raw else quote(str(scope["path"]), safe=_PATH_SAFE, errors="surrogateescape")
    root = scope.get("app_root_path", scope.get("root_path"))
    if (
        root
        and path.startswith(str(root))
        and _is_from_uvicorn(receive)
        and root != getattr(scope.get("app"), "root_path", "")
    ):
        path = path[len(str(root)) :]
    query: bytes = scope.get("query_string", b"")
    target = f"{path}?{query.decode('latin-1')}" if query else path
    return target if target.startswith("/") else to_origin_form(target)


def read_wsgi_target(environ: Mapping[str, Any]) -> str:
    """Return the target of a WSGI request; "" for one that cannot be repeated.

    gunicorn and werkzeug have it in RAW_URI; uWSGI, mod_wsgi and waitress in REQUEST_URI. Otherwise it is rebuilt from
    the decoded parts (PEP 3333), which loses the client's own way of quoting.
    """
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw:
        return to_origin_form(str(raw))
    decoded = str(environ.get("SCRIPT_NAME", "")) + str(environ.get("PATH_INFO", ""))
    path = quote(decoded.encode("latin-1"), safe=_PATH_SAFE) or "/"
    query = str(environ.get("QUERY_STRING", ""))
    return to_origin_form(f"{path}?{query}" if query else path)


def strip_query(target: str) -> str:
    """Return a target's path, without its query."""
    return target.partition("?")[0]


def build_origin(scheme: str, name: str, port: int | str | None, host: str) -> str:
    """Return scheme://host[:port] as the client saw it: from a valid Host header, else the server's name and port."""
    return _build_origin(scheme, name, port, host if len(host) <= _HOST_CHARS else "")


@lru_cache(maxsize=256)
def _build_origin(scheme: str, name: str, port: int | str | None, host: str) -> str:
    host = host.strip()
    if not _AUTHORITY.fullmatch(host):
        name, port = ("localhost", None) if name.startswith("/") else (name, port)  # a Unix socket has neither
        name = f"[{name}]" if ":" in name else name
        host = f"{name}:{port}" if port else name
    return f"{scheme}://{host}"


def to_origin_form(target: str) -> str:
    """Return a target as path and query, also when the client wrote a whole URL, as to a proxy (RFC 9112, 3.2.2)."""
    if target.startswith("/"):
        return target
    absolute = _ABSOLUTE.match(target)
    if absolute is None:
        return ""
    rest = target[absolute.end() :]
    return rest if rest.startswith("/") else f"/{rest}"


def _is_from_uvicorn(receive: object) -> bool:
    owner = getattr(receive, "__self__", None)
    if owner is None:  # wrapped by a middleware
        return "uvicorn" in sys.modules and "hypercorn" not in sys.modules
    return type(owner).__module__.partition(".")[0] == "uvicorn"
