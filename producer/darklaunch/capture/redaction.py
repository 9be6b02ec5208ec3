"""Credentials are taken out before anything leaves the process.

A redacted request header is removed, or sealed for the shadow where a launch asks for that. In a response its value
becomes `[redacted]`; of Set-Cookie the cookie's name and attributes stay, because they are compared. The request target
is left as it is: without its query the shadow could not return the same response. An app that takes credentials in the
query should keep those paths out with `--skip`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from darklaunch_shared.crypto.sealing import SEALED, Secrets
from darklaunch_shared.wire.credential_headers import is_credential_header, mask_credential
from darklaunch_shared.wire.exchange import Headers

from .headers import HeaderNames, RawHeaders, check_header_name, decode_header


@dataclass(frozen=True, slots=True)
class RedactedNames:
    """The header names to redact, lower case: those of credentials and `added`, without `forwarded`."""

    added: frozenset[str] = frozenset()
    forwarded: frozenset[str] = frozenset()

    def __contains__(self, name: str) -> bool:
        return name not in self.forwarded and (name in self.added or is_credential_header(name))


def select_redacted_names(redact: Iterable[str], forward: Iterable[str]) -> RedactedNames:
    """Return the header names to redact: those of credentials and `redact`, without `forward`."""
    return RedactedNames(frozenset(redact), frozenset(forward))


class HeaderRedaction:
    """Decodes header fields into the text that travels, without credentials. Remembers the names it has met."""

    def __init__(self, redacted_names: RedactedNames) -> None:
        self._request_names = HeaderNames(lambda name: "" if name in redacted_names else name)
        self._response_names = HeaderNames(self._check_response_name)
        self._redacted_names = redacted_names
        self._masked_names: set[str] = set()  # of those that the app has sent: cheaper to ask than all

    def redact_request(self, headers: RawHeaders) -> Headers:
        """Return a request's headers without its credentials. Raises UnsendableExchange."""
        names = self._request_names
        return tuple([
            (kept_name, value.decode("latin-1") if type(value) is bytes else decode_header(value))
            for name, value in headers
            if (kept_name := names[name])
        ])  # fmt: skip

    def list_redacted(self, headers: RawHeaders) -> tuple[str, ...]:
        """Return the names of a request's credentials, sorted, each once."""
        names = self._request_names
        return tuple(sorted({decode_header(name).lower() for name, _ in headers if not names[name]}))

    def extract_secrets(self, headers: RawHeaders) -> tuple[Headers, Secrets]:
        """Return a request's headers with `[sealed]` in place of each credential, and the credentials.

        Raises UnsendableExchange.
        """
        decoded: list[tuple[str, str]] = []
        secrets: Secrets = []
        for name, value in headers:
            kept_name = self._request_names[name]
            if kept_name:
                decoded.append((kept_name, decode_header(value)))
            else:
                secrets.append((len(decoded), decode_header(value)))
                decoded.append((decode_header(name).lower(), SEALED))
        return tuple(decoded), secrets

    def redact_response(self, headers: RawHeaders) -> Headers:
        """Return a response's headers with `[redacted]` in place of credentials. Raises UnsendableExchange."""
        names, masked_names = self._response_names, self._masked_names
        decoded: list[tuple[str, str]] = []
        for raw_name, raw_value in headers:
            name = names[raw_name]
            value = (raw_value.decode("latin-1") if type(raw_value) is bytes else decode_header(raw_value)).strip(" \t")
            decoded.append((name, value if name not in masked_names else mask_credential(name, value)))
        return tuple(decoded)

    def _check_response_name(self, name: str) -> str:
        if name in self._redacted_names:
            self._masked_names.add(name)
        return check_header_name(name)
