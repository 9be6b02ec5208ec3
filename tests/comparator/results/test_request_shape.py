"""Requests of one shape share a fingerprint; others do not."""

import pytest
from darklaunch_comparator.results.request_shape import fingerprint_request


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("/orders/17", "/orders/18", True),
        ("/orders/17", "/orders/latest", False),
        ("/orders/17", "/orders/17?page=2", False),
        ("/orders?page=2&size=10", "/orders?size=99&page=1", True),
        ("/orders/17", "/orders/17/lines", False),
        ("/a/7f9c24e8-3b12-4c7e-9d1f-0a2b3c4d5e6f", "/a/0b1c24e8-3b12-4c7e-9d1f-0a2b3c4d5e6f", True),
    ],
)
def test_path_shape_and_parameter_names_decide(one: str, other: str, same: bool) -> None:
    assert (fingerprint_request(one, 200, 200) == fingerprint_request(other, 200, 200)) is same


def test_both_statuses_decide() -> None:
    statuses = [(200, 200), (200, 404), (404, 200), (200, None)]
    assert len({fingerprint_request("/", *pair) for pair in statuses}) == 4
