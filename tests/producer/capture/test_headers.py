"""Header fields as servers and apps give them."""

from __future__ import annotations

import pytest
from darklaunch.capture.headers import (
    REMEMBERED_NAME_CHARS,
    REMEMBERED_NAMES,
    HeaderNames,
    RawHeaders,
    check_header_name,
    decode_headers,
    find_host,
)
from darklaunch.errors import UnsendableExchange


@pytest.mark.parametrize("headers", [((b"X-Two", b"caf\xe9"),), (("X-Two", "caf\xe9"),)], ids=["bytes", "text"])
def test_names_become_lower_case_text_and_values_latin_1(headers: RawHeaders) -> None:
    assert decode_headers(headers) == (("x-two", "caf\xe9"),)


def test_text_beyond_latin_1_cannot_be_sent() -> None:
    with pytest.raises(UnsendableExchange, match="characters that HTTP cannot carry"):
        decode_headers((("x-euro", "€"),))


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\n", "é"])
def test_a_name_that_is_no_token_cannot_be_sent(name: str) -> None:
    with pytest.raises(UnsendableExchange, match="not a token"):
        check_header_name(name)


def test_a_request_without_host_has_none() -> None:
    assert find_host(((b"accept", b"*/*"), (b"host", b"shop.example"))) == "shop.example"
    assert find_host(((b"accept", b"*/*"),)) == ""


def test_only_so_many_names_of_a_bounded_length_are_remembered() -> None:
    names = HeaderNames(str)
    assert names["X-" + "a" * REMEMBERED_NAME_CHARS] == "x-" + "a" * REMEMBERED_NAME_CHARS
    assert len(names) == 0
    assert [names[f"X-{number}"] for number in range(2 * REMEMBERED_NAMES)][-1] == f"x-{2 * REMEMBERED_NAMES - 1}"
    assert len(names) == REMEMBERED_NAMES
