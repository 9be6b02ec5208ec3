"""The request that `bench` sends, from its options."""

import pytest
from darklaunch_console.bench.request_options import build_headers, check_target
from darklaunch_console.errors import BadUsage


def test_a_path_is_sent_as_it_is_given() -> None:
    assert check_target("/orders/7?lines=all&x=%C3%A9") == "/orders/7?lines=all&x=%C3%A9"


@pytest.mark.parametrize("text", ["orders", "http://h/x", "", "/a b", "/é", "/a\r\nx: y"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(BadUsage, match="is not a path"):
        check_target(text)


def test_header_fields_are_added_and_a_body_has_its_length_in_bytes() -> None:
    headers = build_headers(("Authorization:  Bearer x ", "X-Empty:"), "é")
    assert headers[-3:] == [["content-length", "2"], ["authorization", "Bearer x"], ["x-empty", ""]]
    assert "content-length" not in dict(build_headers((), ""))


@pytest.mark.parametrize("text", ["no colon", ": value", ""])
def test_what_is_no_header_field_is_refused(text: str) -> None:
    with pytest.raises(BadUsage, match="is no header field"):
        build_headers((text,), "")
