"""Secrets in text, in forms and in what JSON holds as text."""

from __future__ import annotations

import pytest
from darklaunch_shared.wire.exchange import Headers

from tests.support.masking import HTML, build_entry, mask_body, mask_entry


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("db password=hunter2 ok", "hunter2"),
        ("password: hunter2\nuser: ada", "hunter2"),
        ('{"password": "hunt er2", broken', "hunt er2"),
        ('{"password": "hunt er2', "hunt er2"),
        (r"log: {\"password\": \"hunter2\"}", "hunter2"),
        ("Authorization: Bearer abc.def.ghi", "abc.def.ghi"),
        ("<user><password>hunter2</password></user>", "hunter2"),
        ('<soap:Password type="x">hunter2</soap:Password>', "hunter2"),
        ('<input type="hidden" name="csrf_token" value="hunter2">', "hunter2"),
        ('<input value="hunter2" name="csrf_token">', "hunter2"),
        ('<meta name="csrf-token" content="hunter2" />', "hunter2"),
        ('<a href="/x?a=1&amp;token=hunter2">', "hunter2"),
    ],
)
def test_secrets_in_text_are_masked(text: str, secret: str) -> None:
    out = mask_body(text.encode(), HTML).decode()
    assert secret not in out
    assert "[masked:" in out
    if not text.endswith("}"):
        assert mask_body(out.encode(), HTML).decode() == out


def test_parts_of_a_multipart_form_are_masked() -> None:
    types: Headers = (("content-type", "multipart/form-data; boundary=B"),)
    came = b'--B\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\x00\r\n--B--'  # noqa: E501
    out = mask_entry(build_entry(request=came, request_headers=types)).exchange.request.body
    assert b"hunter2" not in out
    assert out.endswith(came[came.index(b'name="a"') :])
