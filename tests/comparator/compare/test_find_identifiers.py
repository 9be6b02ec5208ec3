"""Where a response holds made-up identifiers."""

import json

import pytest
from darklaunch_comparator.compare import find_identifier_places

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


def test_what_is_not_json_holds_none() -> None:
    assert find_identifier_places(build_side(IDENTIFIER, "text/plain").response) == frozenset()
    assert find_identifier_places(build_side("{", "application/json").response) == frozenset()
    assert find_identifier_places(build_side(b"x", coding="gzip").response) == frozenset()


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
