"""Header fields that are credentials, and what may be kept of them.

The hook leaves them out of requests and masks them in responses; workers mask them in the responses they receive.
"""

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


def mask_response_headers(headers: Headers) -> Headers:
    """Return a response's header fields with credentials masked; the same object when there are none.

    Names must be lower case.
    """
    if CREDENTIAL_HEADERS.isdisjoint([name for name, _ in headers]):
        return headers
    return tuple(
        [(name, value if name not in CREDENTIAL_HEADERS else mask_credential(name, value)) for name, value in headers]
    )


def mask_credential(name: str, value: str) -> str:
    """Return what may be kept of a credential in a response: of a cookie the name and attributes, else nothing."""
    return _mask_cookie(value) if name == "set-cookie" else REDACTED


def _mask_cookie(value: str) -> str:
    pair, semicolon, attributes = value.partition(";")
    name, equals, _ = pair.partition("=")
    return f"{name}={REDACTED}{semicolon}{attributes}" if equals else f"{REDACTED}{semicolon}{attributes}"
