"""Origins: which URLs workers may be pointed at, and which addresses must never be called."""

import pytest
from darklaunch_shared.errors import BadOrigin
from darklaunch_shared.launch.origin import Origin, explain_forbidden_address, parse_origin


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://10.0.3.7:8000", Origin("http", "10.0.3.7", 8000)),
        ("https://Shop.Example/", Origin("https", "shop.example", 443)),
        ("http://[::1]:80", Origin("http", "::1", 80)),
    ],
)
def test_an_origin_is_parsed(text: str, origin: Origin) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ftp://a", "must start with"),
        ("10.0.3.7:8000", "must start with"),
        ("http://u:p@a", "user name"),
        ("http://a/path", "end after the host"),
        ("http://a?x", "end after the host"),
        ("http://", "names no host"),
        ("http://a:99999", "not a URL"),
        ("http://a:0", "port 0"),
        ("http://a b", "space"),
        ("http://a\r\nHost: b", "control character"),
        ("http://[::1", "not a URL"),
    ],
)
def test_a_url_that_is_no_origin_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadOrigin, match=why):
        parse_origin(text)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1",
        "::ffff:169.254.169.254",
        "0.0.0.0",
        "fd00:ec2::254",
        "2002:a9fe:a9fe::",
        "64:ff9b::a9fe:a9fe",
        "::169.254.169.254",
        "::",
    ],
)
def test_metadata_addresses_are_forbidden_however_written(address: str) -> None:
    assert explain_forbidden_address(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.3.7", "::1", "93.184.216.34"])
def test_other_addresses_are_allowed(address: str) -> None:
    assert explain_forbidden_address(address) is None
