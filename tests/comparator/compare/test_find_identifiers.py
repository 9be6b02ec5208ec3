"""Where a response holds made-up identifiers."""

import json

import pytest
from darklaunch_comparator.compare import find_identifier_places
from darklaunch_shared.wire.exchange import Response

from tests.support.comparisons import build_side

IDENTIFIER = "507f1f77bcf86cd799439011"


@pytest.mark.parametrize(
    ("document", "places"),
    [
        ({"id": IDENTIFIER, "n": 1, "name": "an ordinary name"}, {"$.id"}),
        ({"rows": [{"id": IDENTIFIER}, {"id": IDENTIFIER}]}, {"$.rows[*].id"}),
        ({"url": f"/orders/{IDENTIFIER}/items"}, {"$.url"}),
        ({IDENTIFIER: {"token": IDENTIFIER}}, {"$[*].token"}),
        ([1, 2, 3], set()),
    ],
)
def test_places_are_index_free_paths(document: object, places: set[str]) -> None:
    assert find_identifier_places(build_side(json.dumps(document)).response) == places


@pytest.mark.parametrize(
    ("content_type", "body", "places"),
    [
        ("text/html", f"<p>Order {IDENTIFIER}</p><p>7 items</p>", {"html/body/p[1]"}),
        ("text/html", f"<p>Order {IDENTIFIER}, 7 items</p>", {"html/body/p/#1"}),
        ("text/html", f"<a href=/o/{IDENTIFIER}>o</a>", {"html/body/a/@href"}),
        ("text/html", "<script nonce=a8Zk2Lq9>go()</script>", {"html/head/script/@nonce"}),
        ("text/html", "<meta name=csrf-token content=a8Zk2Lq9>", {"html/head/meta[@name=csrf-token]/@content"}),
        ("text/html", "<form><input name=q value=a8Zk2Lq9></form>", set()),
        ("text/html", f"<script>a()\nb('{IDENTIFIER}')</script>", {"html/head/script/line:b('<id>')"}),
        ("application/xml", f"<r><id>{IDENTIFIER}</id><n>1</n></r>", {"r/id"}),
        ("application/xml", f"<r><id>{IDENTIFIER}", {"line:<r><id><id>"}),
        ("text/plain", f"order {IDENTIFIER}\nan ordinary line", {"line:order <id>"}),
        ("application/x-ndjson", json.dumps({"id": IDENTIFIER}) + "\n{}", {"$[*].id"}),
        ("application/x-www-form-urlencoded", f"id={IDENTIFIER}&n=1", {"$.id"}),
        ("application/json", "{", set()),
    ],
)
def test_places_of_pages_lines_and_fields_are_those_that_are_compared(
    content_type: str, body: str, places: set[str]
) -> None:
    assert find_identifier_places(build_side(body, content_type).response) == places


def test_a_part_of_a_body_is_searched_like_the_whole() -> None:
    part = f'--x\r\ncontent-disposition: form-data; name="id"\r\n\r\n{IDENTIFIER}\r\n--x--\r\n'
    assert find_identifier_places(build_side(part, "multipart/form-data; boundary=x").response) == {"$.id"}


def test_an_identifier_in_a_compared_header_is_found() -> None:
    headers = (("location", f"/orders/{IDENTIFIER}"), ("x-order", IDENTIFIER), ("x-request-id", IDENTIFIER))
    response = Response(200, headers, b"", 1.0)
    assert find_identifier_places(response) == {"header:location"}
    assert find_identifier_places(response, compared_headers=frozenset({"x-order"})) == {
        "header:location",
        "header:x-order",
    }


def test_what_cannot_be_decoded_holds_none() -> None:
    assert find_identifier_places(build_side(b"x", coding="gzip").response) == frozenset()
    assert find_identifier_places(build_side(b"\xff\xfe\xfd", "text/html; charset=nope").response) == frozenset()


NOW_MS = 1_714_564_800_000
"""12:00:00 UTC on 2024-05-01"""


@pytest.mark.parametrize(
    ("value", "later_ms", "found"),
    [
        ("2024-05-01T11:59:58.120Z", 3, True),  # counts milliseconds: three have passed
        ("2024-05-01T11:59:58Z", 3, False),  # counts seconds: none began, so that it is the same shows nothing
        ("2024-05-01T11:59:58Z", 700, True),
        ("2024-05-01T11:58:00Z", 700, False),  # may count minutes
        ("2024-05-01T11:58:00Z", 59_900, True),
        ("2019-03-04T10:00:00.001Z", 59_900, False),  # never excused, so there is nothing to witness
        (1_714_564_798, 700, True),
        (1_714_564_798_123, 700, True),
    ],
)
def test_a_time_that_stays_while_the_clock_moves_is_found(value: object, later_ms: int, found: bool) -> None:
    response = build_side(json.dumps({"created_at": value, "order_id": 1_714_564_798, "n": [value, None, 3]})).response

    places = find_identifier_places(response, responded_at_ms=NOW_MS + 500, repeated_at_ms=NOW_MS + 500 + later_ms)

    assert ("$.created_at" in places) is found
    assert "$.order_id" not in places


@pytest.mark.parametrize(
    ("content_type", "body", "place"),
    [
        ("text/html", "<p>2024-05-01T11:59:58Z</p>", "html/body/p"),
        ("text/html", "<p>Created 2024-05-01T11:59:58Z</p>", "html/body/p"),
        ("text/html", "<p>7 items, created 2024-05-01T11:59:58Z</p>", "html/body/p/#2"),
        ("application/xml", "<r><at>2024-05-01T11:59:58Z</at></r>", "r/at"),
        ("text/plain", "created 2024-05-01T11:59:58Z", "line:created <time>"),
        ("application/json", '{"text": "Created 2024-05-01T11:59:58Z"}', "$.text"),
    ],
)
def test_a_time_in_a_text_is_witnessed_as_one_that_stands_alone(content_type: str, body: str, place: str) -> None:
    response = build_side(body, content_type).response

    def find(repeated_at_ms: int) -> frozenset[str]:
        return find_identifier_places(response, responded_at_ms=NOW_MS + 500, repeated_at_ms=repeated_at_ms)

    assert find(NOW_MS + 503) == frozenset()
    assert find(NOW_MS + 1_200) == {place}
