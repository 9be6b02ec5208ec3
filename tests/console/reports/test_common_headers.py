"""What is common to all endpoints is said once, and the most telling difference leads."""

from datetime import UTC, datetime

from darklaunch_console.reports.common_headers import fold_common_headers
from darklaunch_console.reports.problems import ReportProblem

AT = datetime(2026, 5, 1, tzinfo=UTC)
VARY = ("header:vary", "extra")


def problem(number: int, *parts: tuple[str, str], title: str = "", outcome: str = "mismatched") -> ReportProblem:
    return ReportProblem(
        fingerprint=f"{number:012x}",
        endpoint=f"GET /{number}",
        title=title or ", ".join(" ".join(part) for part in parts),
        outcome=outcome,
        count=10,
        share=0.5,
        first_seen=AT,
        last_seen=AT,
        sample=None,
        example="",
        parts=parts,
    )


def test_a_header_of_all_endpoints_is_said_once_and_another_difference_leads() -> None:
    alone = [problem(number, VARY) for number in range(1, 21)]
    telling = problem(21, ("$[*].total", "type"), VARY)
    hidden = problem(22, ("$.a", "value"), VARY, title="$.a value, $.b value, $.c value and 2 more")
    folded = fold_common_headers([*alone[:10], telling, *alone[10:], hidden])
    assert [(each.endpoint, each.title) for each in folded] == [
        ("GET /21", "$[*].total type"),
        ("all 22 endpoints with mismatches", "header:vary extra"),
        ("GET /22", "$.a value, $.b value, $.c value and 1 more"),
    ]
    assert (folded[1].count, len(folded[1].joined)) == (220, 19)


def test_what_few_endpoints_share_stays_where_it_is() -> None:
    few = [problem(1, VARY), problem(2, VARY)]
    assert fold_common_headers(few) == tuple(few)
    some = [*few, problem(3, VARY), *[problem(number, ("$.a", "value")) for number in range(4, 8)]]
    assert fold_common_headers(some) == tuple(some)


def test_what_did_not_answer_or_was_slow_is_no_endpoint_without_the_header() -> None:
    failed = [problem(number, ("shadow", "timeout"), outcome="shadow_error") for number in range(4, 9)]
    folded = fold_common_headers([*failed, *[problem(number, VARY) for number in range(1, 4)]])
    assert [each.title for each in folded].count("header:vary extra") == 1
    assert len(folded) == 6
