"""Header fields that are credentials, and what may be kept of them.

The hook leaves them out of requests and masks them in responses; workers mask them in the responses they receive.
"""

from functools import lru_cache
from typing import Final

from .exchange import REDACTED, Headers

CREDENTIAL_HEADERS: Final = frozenset(
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
"""Names of credentials, lower case."""

_LAST_WORDS: Final = frozenset(
    "auth authorization token secret password passwd pwd jwt apikey credential credentials bearer sid".split()  # noqa: SIM905
)
_LAST_TWO_WORDS: Final = frozenset(
    "api-key access-key secret-key private-key auth-key session-key session-id client-key".split()  # noqa: SIM905
)
_PLACES: Final = frozenset("continuation page next previous prev sync cursor".split())  # noqa: SIM905
_CACHED_NAME_CAP: Final = 100


def is_credential_header(name: str) -> bool:
    """True if a field of this lower-case name is a credential: a known one, or one that is named like it.

    `x_api_key` is `x-api-key` to many servers. `x-acme-token` is a token; `x-continuation-token` is a place in a list.
    """
    return _is_credential(name) if len(name) <= _CACHED_NAME_CAP else _is_credential.__wrapped__(name)


@lru_cache(maxsize=2048)
def _is_credential(name: str) -> bool:
    if name in CREDENTIAL_HEADERS:
        return True
    name = name.replace("_", "-")
    if name.startswith("access-control-"):  # access-control-allow-credentials
        return False
    words = name.split("-")
    if name in CREDENTIAL_HEADERS or "-".join(words[-2:]) in _LAST_TWO_WORDS:
        return True
    return words[-1] in _LAST_WORDS and not (len(words) > 1 and words[-2] in _PLACES)


def mask_response_headers(headers: Headers) -> Headers:
    """Return a response's header fields with credentials masked; the same object when there are none.

    Names must be lower case.
    """
    if not any(is_credential_header(name) for name, _ in headers):
        return headers
    return tuple(
        [(name, mask_credential(name, value) if is_credential_header(name) else value) for name, value in headers]
    )


def mask_credential(name: str, value: str) -> str:
    """Return what may be kept of a credential in a response: of a cookie the name and attributes, else nothing."""
    return _mask_cookie(value) if name == "set-cookie" else REDACTED


def _mask_cookie(value: str) -> str:
    pair, semicolon, attributes = value.partition(";")
    name, equals, _ = pair.partition("=")
    return f"{name}={REDACTED}{semicolon}{attributes}" if equals else f"{REDACTED}{semicolon}{attributes}"
