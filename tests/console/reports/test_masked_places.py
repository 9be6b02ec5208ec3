"""What is masked in a stored request is named, so that it can be filled in before the request is sent again."""

from __future__ import annotations

from darklaunch_console.reports.masked_places import find_masked_places
from darklaunch_shared.wire.exchange import Request

MASK = "[masked:0a1b2c3d4e5f]"


def ask(target: str = "/", body: bytes = b"", *headers: tuple[str, str]) -> Request:
    return Request("POST", target, "http://shop", headers, body)


def test_a_key_with_a_dot_is_quoted_so_that_it_is_no_path_of_two_steps() -> None:
    body = f'{{"a.b": "{MASK}", "a": {{"b": "{MASK}"}}}}'.encode()
    assert find_masked_places(ask(body=body)) == ["$['a.b']", "$.a.b"]


def test_elements_of_an_array_are_one_place() -> None:
    body = f'{{"users": [{{"password": "{MASK}"}}, {{"password": "{MASK}"}}]}}'.encode()
    assert find_masked_places(ask(body=body)) == ["$.users[*].password"]


def test_query_headers_and_forms_are_named_by_their_fields() -> None:
    request = ask(f"/login?token={MASK}&a=1", f"user=ann&pin={MASK}".encode(), ("x-api-key", MASK))
    assert find_masked_places(request) == ["query token", "header x-api-key", "field pin"]


def test_of_many_places_the_first_are_named_and_the_rest_counted() -> None:
    query = "&".join(f"t{number}={MASK}" for number in range(8))
    assert find_masked_places(ask(f"/?{query}"))[-2:] == ["query t5", "2 more places"]
