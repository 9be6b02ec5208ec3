"""URLs of Redis and Postgres, which hold passwords: what may be shown of one, and which character breaks one.

A `/`, `?` or `#` in a password ends a URL's authority too early. What the libraries then take for a host, a port or a
database is a part of the password, and their messages quote it.
"""

import re
from typing import Final
from urllib.parse import quote

_END: Final = re.compile("[/?#]")
_HOST_AND_PORT: Final = re.compile(r"(?:(?:\[[0-9A-Fa-f:.%]*\]|[^:@,]+)(?::[0-9]{0,5})?(?:,|$))*")
_ENCODED: Final = re.compile("%[0-9A-Fa-f]{2}")
_VALUE_WITH_AT: Final = re.compile(
    "(?:.*&)?(?:username|user|password|sslpassword|client_name|application_name|options)=[^&]*"
)


def redact_url(url: str) -> str:
    """Return a URL without user, password, query and fragment; of one that cannot be read only the scheme."""
    scheme, colon, rest = url.partition("://")
    if not colon:
        return "***"
    credentials, host, path = _split(rest)
    if explain_unescaped(url) or "@" in host + path or not _HOST_AND_PORT.fullmatch(host):
        return f"{scheme}://***"
    return f"{scheme}://{'***@' if credentials else ''}{host}{path}"


def explain_unescaped(url: str) -> str:
    """Return which characters of a URL's password must be written how: `write / as %2F`; "" if none must.

    Shows nothing else of the password.
    """
    scheme, colon, rest = url.partition("://")
    if not colon:
        return ""
    credentials, _, _ = _split(rest)
    special = {character for character in credentials if character in "/?#[]"}
    if scheme.startswith("postgres"):  # redis-py takes the last @ and leaves a lone % as it is, libpq does not
        special |= {"@"} & set(credentials) | {"%"} & set(_ENCODED.sub("", credentials))
    return "write " + " and ".join(f"{each} as {quote(each, safe='')}" for each in sorted(special)) if special else ""


def _split(rest: str) -> tuple[str, str, str]:
    """Return credentials, host and port, and path of what follows a URL's scheme.

    The last @ ends the credentials, unless it stands in the query of a URL that is complete without it, in
    the value of a parameter that may hold one: `redis://user:9?a=@host` is a password with a `?`.
    """
    end = _END.search(rest)
    at = end.start() if end else len(rest)
    credentials, _, host = rest[:at].rpartition("@")
    path, _, query = rest[at:].partition("?")
    complete = _HOST_AND_PORT.fullmatch(host) and "@" not in path and "#" not in path
    if "@" in rest[at:] and not (complete and _VALUE_WITH_AT.fullmatch(query.partition("@")[0])):
        credentials, _, host = rest.rpartition("@")
        return credentials, host, ""
    return credentials, host, path.partition("#")[0]
