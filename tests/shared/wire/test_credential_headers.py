"""Which header fields are credentials."""

import pytest
from darklaunch_shared.wire.credential_headers import is_credential_header, mask_response_headers


@pytest.mark.parametrize(
    "name",
    [
        *(
            "authorization",
            "x-api-key",
            "x_api_key",
            "x-acme-api-key",
            "api_key",
            "x-acme-token",
            "x-upstream-authorization",
        ),
        *("x_access_token", "token", "x-db-password", "x-jwt", "x-acme-secret", "x-acme-session-id", "set_cookie"),
    ],
)
def test_names_of_credentials(name: str) -> None:
    assert is_credential_header(name)


@pytest.mark.parametrize(
    "name",
    [
        *("host", "idempotency-key", "sec-websocket-key", "www-authenticate", "access-control-allow-credentials"),
        *(
            "x-continuation-token",
            "x-next-page-token",
            "surrogate-key",
            "x-request-id",
            "x-auth-request-user",
            "author",
        ),
    ],
)
def test_names_of_other_fields(name: str) -> None:
    assert not is_credential_header(name)


def test_a_response_without_credentials_stays_the_object_it_was() -> None:
    headers = (("content-type", "text/html"),)
    assert mask_response_headers(headers) is headers
    assert mask_response_headers((("x-acme-token", "s"), *headers)) == (("x-acme-token", "[redacted]"), *headers)
