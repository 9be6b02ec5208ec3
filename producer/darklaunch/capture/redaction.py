"""Credentials are taken out before anything leaves the process.

A redacted request header is removed, or sealed for the shadow where a launch asks for that. In a response its value
becomes `[redacted]`; of Set-Cookie the name and the attributes stay, because they are compared. The request target is
left as it is: the shadow could not give the same answer without its query. An app that takes credentials in the query
should keep those paths out with `--skip`.
"""

from collections.abc import Iterable

from darklaunch_shared.crypto.sealing import SEALED, Secrets
from darklaunch_shared.wire.credential_headers import CREDENTIAL_HEADERS, mask_credential
from darklaunch_shared.wire.exchange import Headers

from .headers import HeaderNames, RawHeaders, check_name, text


def credential_names(redact: Iterable[str], forward: Iterable[str]) -> frozenset[str]:
    """Give the header names to redact, lower case: the built-in ones and `redact`, without `forward`."""
    return (CREDENTIAL_HEADERS | frozenset(redact)) - frozenset(forward)


class HeaderRedaction:
    """Reads header fields into the text that travels, without credentials; remembers the names it has met."""

    def __init__(self, credentials: frozenset[str]) -> None:
        self._request = HeaderNames(lambda name: "" if name in credentials else name)
        self._response = HeaderNames(check_name)
        self._credentials = credentials

    def request(self, headers: RawHeaders) -> Headers:
        """Leave credentials out. Raises Unfit."""
        names = self._request
        return tuple([
            (kept, value.decode("latin-1") if type(value) is bytes else text(value))
            for name, value in headers
            if (kept := names[name])
        ])  # fmt: skip

    def sealing(self, headers: RawHeaders) -> tuple[Headers, Secrets]:
        """Put `[sealed]` in the place of credentials, and give their values. Raises Unfit."""
        read: list[tuple[str, str]] = []
        secrets: Secrets = []
        for name, value in headers:
            kept = self._request[name]
            if not kept:
                secrets.append((len(read), text(value)))
            read.append((kept, text(value)) if kept else (text(name).lower(), SEALED))
        return tuple(read), secrets

    def response(self, headers: RawHeaders) -> Headers:
        """Put `[redacted]` in the place of credentials. Raises Unfit."""
        names, credentials = self._response, self._credentials
        read: list[tuple[str, str]] = []
        for given, content in headers:
            name = names[given]
            value = (content.decode("latin-1") if type(content) is bytes else text(content)).strip(" \t")
            read.append((name, value if name not in credentials else mask_credential(name, value)))
        return tuple(read)
