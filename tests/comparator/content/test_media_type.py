"""What a body is, by the header fields that describe it or else by its bytes."""

import pytest
from darklaunch_comparator.content import BodyFamily, choose_family, parse_media_type, read_content_headers


@pytest.mark.parametrize(
    ("primary", "shadow", "primary_body", "shadow_body", "family"),
    [
        ("application/json", "text/plain", b"{}", b"{}", BodyFamily.JSON),
        ("text/html", "", b"<p>", b"{}", BodyFamily.HTML),
        ("text/plain", "application/atom+xml", b"<p/>", b"<p/>", BodyFamily.XML),
        ("", "", b"\n<!DOCTYPE html><p>", b"<!-- x --><html>", BodyFamily.HTML),
        ("", "", b"<?xml version='1.0'?><a/>", b"\xef\xbb\xbf<?xml version='1.0'?><a/>", BodyFamily.XML),
        ("image/png", "text/plain; charset=utf-8", b"\x89", b"a", BodyFamily.TEXT),
        ("application/problem+json", "application/x-ndjson", b"{}", b"{}", BodyFamily.JSON),
        ("", "", b' {"a": 1}', b"[]", BodyFamily.JSON),
        ("", "", b'{"a": 1}', b"plain", BodyFamily.TEXT),
        ("", "", b"\x00", b"plain", BodyFamily.BINARY),
    ],
)
def test_the_side_that_says_more_decides_how_both_bodies_are_read(
    primary: str, shadow: str, primary_body: bytes, shadow_body: bytes, family: BodyFamily
) -> None:
    primary_type, shadow_type = parse_media_type(primary), parse_media_type(shadow)
    assert choose_family(primary_type, shadow_type, primary_body, shadow_body) is family
    assert choose_family(shadow_type, primary_type, shadow_body, primary_body) is family


def test_codings_of_several_fields_are_joined_in_order() -> None:
    headers = (("content-encoding", "gzip"), ("content-type", "text/html"), ("content-encoding", "br"))
    assert read_content_headers(headers) == ("text/html", "gzip,br")
    assert read_content_headers([["date", "today"]]) == ("", "")


def test_a_charset_is_read_whatever_its_quotes_and_case() -> None:
    assert parse_media_type('Text/HTML; Charset="UTF-8"').charset == "utf-8"
    assert parse_media_type("text/html").charset == ""
