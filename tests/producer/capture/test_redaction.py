"""Credentials never leave the process."""

from __future__ import annotations

import pytest
from darklaunch import CaptureMiddleware
from darklaunch.capture.redaction import HeaderRedaction, RedactedNames, select_redacted_names
from darklaunch.testing import captured
from darklaunch_shared.wire.credential_headers import CREDENTIAL_HEADERS
from hypothesis import given
from hypothesis import strategies as st

from tests.support.asgi import answering, body, get, start
from tests.support.pack_exchange import pack_exchange

SECRET = "s3cr3t-value"


def exchange_with(request_header="x-none", response_header="x-none", **options):
    app = CaptureMiddleware(answering(start(200, (response_header.encode(), SECRET.encode())), body(b"")), **options)
    with captured() as seen:
        get(app, headers=[(request_header.encode(), SECRET.encode())])
    return seen.exchanges[0]


@pytest.mark.parametrize("name", sorted(CREDENTIAL_HEADERS))
def test_no_credential_is_in_what_travels(name) -> None:
    assert SECRET.encode() not in b"".join(pack_exchange(exchange_with(name.title(), name.upper())).values())


@pytest.mark.parametrize("name", ["x_api_key", "Authorization", "X_Auth_Token", "x-acme-token", "x-jwt"])
def test_what_is_named_like_a_credential_does_not_travel(name) -> None:
    assert SECRET.encode() not in b"".join(pack_exchange(exchange_with(name, name)).values())


def test_a_redacted_request_header_is_gone_and_a_response_header_says_so() -> None:
    exchange = exchange_with("authorization", "x-auth-token")
    assert exchange.request.headers == (("host", "shop.example"),)
    assert exchange.primary.headers == (("x-auth-token", "[redacted]"),)


def test_options_add_names_and_forward_one_on_purpose() -> None:
    options = {"redact_headers": ["X-Tenant-Key"], "forward_headers": "Authorization, set-cookie"}
    assert exchange_with("x-tenant-key", **options).request.headers == (("host", "shop.example"),)
    assert ("authorization", SECRET) in exchange_with("authorization", **options).request.headers
    assert exchange_with(response_header="set-cookie", **options).primary.headers == (("set-cookie", SECRET),)


@given(
    name=st.from_regex(r"[A-Za-z_]{1,9}", fullmatch=True),
    value=st.from_regex(r"[A-Za-z0-9%=]{8,20}", fullmatch=True),
    attributes=st.sampled_from(["", "; Path=/; HttpOnly", ";Secure;  SameSite=Lax", "; Max-Age=0"]),
)
def test_a_cookie_keeps_its_name_and_attributes(name, value, attributes) -> None:
    redacted = HeaderRedaction(select_redacted_names((), ())).redact_response(
        (("set-cookie", f"{name}={value}{attributes}"),)
    )
    assert redacted == (("set-cookie", f"{name}=[redacted]{attributes}"),)


def test_a_cookie_without_a_name_shows_nothing() -> None:
    assert HeaderRedaction(RedactedNames()).redact_response((("set-cookie", SECRET),)) == (
        ("set-cookie", "[redacted]"),
    )
