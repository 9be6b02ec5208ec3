"""Signatures group the same fault, and nothing else."""

import json
from typing import Any

from darklaunch_comparator.compare import (
    ComparedResponse,
    Comparison,
    compare,
    compute_error_signature,
    compute_signature,
    render_error_title,
    render_title,
)
from darklaunch_shared.wire.exchange import Response


def compared(one: Any, other: Any, *, statuses: tuple[int, int] = (200, 200)) -> Comparison:
    primary, shadow = (
        ComparedResponse(
            Response(status, (("content-type", "application/json"),), json.dumps(body).encode(), 1.0), "", 0
        )
        for status, body in zip(statuses, (one, other), strict=True)
    )
    return compare("GET", primary, shadow)


RENAMED = compared({"total_cents": 5}, {"total": 5})


def test_the_same_fault_has_one_signature_whatever_the_values_and_positions() -> None:
    first = compared({"items": [{"p": 1}, {"p": 2}]}, {"items": [{"p": 1}, {"p": 3}]})
    second = compared({"items": [{"p": 7}, {"p": 2}, {"p": 3}]}, {"items": [{"p": 9}, {"p": 4}, {"p": 3}]})
    assert compute_signature("GET /orders", first) == compute_signature("GET /orders", second)
    assert compute_signature("GET /orders", first) != compute_signature("GET /quotes", first)


def test_another_path_or_kind_is_another_signature() -> None:
    others = [
        compared({"total_cents": 5}, {}),
        compared({"total_cents": 5}, {"total_cents": 6}),
        compared({"total_cents": 5}, {"total_cents": "5"}),
        compared({"total_cents": 5, "a": 1}, {"total": 5, "a": 2}),
        compared({"total": 5}, {"total_cents": 5}),
    ]
    assert len({compute_signature("GET /x", each) for each in [RENAMED, *others]}) == 6


def test_status_codes_are_part_of_the_signature() -> None:
    crash, gone = compared({}, {}, statuses=(200, 500)), compared({}, {}, statuses=(200, 404))
    assert compute_signature("GET /x", crash) != compute_signature("GET /x", gone)
    assert render_title(crash) == "status 200 → 500"


def test_a_signature_is_the_same_in_every_process() -> None:
    assert compute_signature("GET /orders/{id}", RENAMED) == "4e07ca0f8162"
    assert compute_error_signature("GET /orders/{id}", "timeout") == "d0269498f5a5"


def test_titles_name_the_first_places_and_count_the_rest() -> None:
    assert render_title(RENAMED) == "$.total_cents missing, $.total extra"
    many = compared(dict.fromkeys("abcde", 1), dict.fromkeys("abcde", 2))
    assert render_title(many) == "$.a value, $.b value, $.c value and 2 more"
    assert render_title(compared({"k" * 5_000: 1}, {"k" * 5_000: 2})).endswith("…")


def test_signatures_survive_any_endpoint() -> None:
    assert len(compute_signature("GET /\ud800\x00", RENAMED)) == 12


def test_shadow_errors_group_by_endpoint_and_class() -> None:
    assert render_error_title("timeout") == "no response: timeout"
    signatures = {
        compute_error_signature(endpoint, name) for endpoint in ("GET /a", "GET /b") for name in ("timeout", "refused")
    }
    assert len(signatures) == 4


def test_the_most_telling_difference_leads_a_title_and_headers_end_it() -> None:
    def build(total: object, vary: str) -> ComparedResponse:
        headers = (("content-type", "application/json"), ("vary", vary))
        return ComparedResponse(Response(200, headers, json.dumps({"a": vary, "total": total}).encode(), 1.0), "", 0)

    title = render_title(compare("GET", build(1, "cookie"), build("1", "accept")))
    assert title == "$.total type, $.a value, header:vary differs"
