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
