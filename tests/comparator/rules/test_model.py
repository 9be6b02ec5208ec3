"""The rule set as an operator writes it: what is taken, what is refused and in which words, what it compiles to."""

from datetime import UTC, datetime

from darklaunch_comparator.rules import (
    check_rules,
    compute_rule_id,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


ORDERS = "GET /orders/{id}"


def test_a_rule_is_named_by_what_it_does() -> None:
    one, other, third = check_rules(
        {"ignore": [{"path": "$.a", "reason": "x"}, {"path": "$.b"}, {"path": "$.a", "endpoints": [ORDERS]}]}
    )[0].ignore
    assert compute_rule_id(one) == compute_rule_id(
        one.model_copy(update={"reason": "y", "author": "z", "expires": NOW})
    )
    assert len({compute_rule_id(one), compute_rule_id(other), compute_rule_id(third)}) == 3
