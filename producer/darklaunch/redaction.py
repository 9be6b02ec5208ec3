"""Credentials are taken out before anything leaves the process.

A redacted request header is removed. In a response its value becomes `[redacted]`; of Set-Cookie the name and the
attributes stay, because they are compared. The request target is left as it is: the shadow could not give the same
answer without its query. An app that takes credentials in the query should keep those paths out with `--skip`.
"""

from collections.abc import Iterable
from typing import Final

from darklaunch_shared.exchange import REDACTED, Headers

from .fields import Names, RawHeaders, check_name, text

CREDENTIALS: Final = frozenset(
    """
    authorization proxy-authorization cookie cookie2 set-cookie set-cookie2 authentication-info
    x-api-key api-key apikey x-apikey x-api-token x-auth x-auth-key x-auth-token x-access-token x-id-token
    x-refresh-token x-session-token x-session-id x-user-token x-client-secret x-secret-key x-vault-token private-token
    x-csrf-token x-csrftoken x-xsrf-token csrf-token dpop
    x-amz-security-token x-amzn-oidc-data x-amzn-oidc-accesstoken x-amz-cf-signature
    x-goog-iap-jwt-assertion x-goog-authenticated-user-jwt x-goog-api-key cf-access-jwt-assertion cf-access-token
    cf-access-client-secret x-ms-token-aad-access-token x-ms-token-aad-id-token x-ms-token-aad-refresh-token
    x-ms-client-principal ocp-apim-subscription-key x-functions-key
    x-forwarded-access-token x-forwarded-client-cert x-client-cert ssl-client-cert x-ssl-client-cert
    x-github-token x-gitlab-token x-shopify-access-token x-stripe-signature stripe-signature
    """.split()  # noqa: SIM905 - a list literal of sixty strings reads worse
)


def credential_names(redact: Iterable[str], forward: Iterable[str]) -> frozenset[str]:
    """Give the header names to redact, lower case: the built-in ones and `redact`, without `forward`."""
    return (CREDENTIALS | frozenset(redact)) - frozenset(forward)


class Redaction:
    """Reads header fields into the text that travels, without credentials; remembers the names it has met."""

    def __init__(self, credentials: frozenset[str]) -> None:
        self._request = Names(lambda name: "" if name in credentials else name)
        self._response = Names(check_name)
        self._credentials = credentials

    def request(self, headers: RawHeaders) -> Headers:
        """Leave credentials out. Raises Unfit."""
        names = self._request
        return tuple([
            (kept, value.decode("latin-1") if type(value) is bytes else text(value))
            for name, value in headers
            if (kept := names[name])
        ])  # fmt: skip

    def response(self, headers: RawHeaders) -> Headers:
        """Put `[redacted]` in the place of credentials. Raises Unfit."""
        names, credentials = self._response, self._credentials
        read: list[tuple[str, str]] = []
        for given, content in headers:
            name = names[given]
            value = (content.decode("latin-1") if type(content) is bytes else text(content)).strip(" \t")
            read.append((name, value if name not in credentials else _redacted(name, value)))
        return tuple(read)


def _redacted(name: str, value: str) -> str:
    return _cookie(value) if name == "set-cookie" else REDACTED


def _cookie(value: str) -> str:
    pair, semicolon, attributes = value.partition(";")
    name, equals, _ = pair.partition("=")
    return f"{name}={REDACTED}{semicolon}{attributes}" if equals else f"{REDACTED}{semicolon}{attributes}"
