"""What a stored rule set compiles to, and what happens to rules that cannot be read."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from darklaunch_comparator.compare import NO_RULES, ToleranceRule
from darklaunch_comparator.masking import EVERYTHING
from darklaunch_comparator.pipeline.assess import compile_launch_rules
from darklaunch_comparator.rules import (
    NO_RULE_BOOK,
    check_rules,
    compile_rules,
    dump_rules,
    has_unreadable_masks,
    load_rules,
)
from darklaunch_shared.launch.spec import LaunchSpec

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


ORDERS = "GET /orders/{id}"


def test_an_endpoint_s_rule_goes_before_the_launch_s() -> None:
    rules, _ = check_rules(
        {
            "tolerance": [
                {"path": "$", "absolute": 1, "endpoints": [ORDERS]},
                {"path": "$", "absolute": 2},
            ],
            "ignore": [{"path": "$.a", "except": [ORDERS]}, {"path": "$.b"}],
        }
    )
    book = compile_rules(rules, NOW)
    orders, other = book.rules_for(ORDERS), book.rules_for("GET /other")
    assert [max(each.tolerance.find_values([]), key=lambda rule: rule.rank).absolute for each in (orders, other)] == [
        1,
        2,
    ]
    assert [each.ignore.covers(["a"]) for each in (orders, other)] == [False, True]
    assert [each.ignore.covers(["b"]) for each in (orders, other)] == [True, True]


def test_a_rule_ends_after_its_last_day_and_says_when_that_is() -> None:
    rules, _ = check_rules(
        {"ignore": [{"path": "$", "expires": "2026-05-01"}, {"path": "$.a", "expires": "2026-06-01T00:00Z"}]}
    )
    book = compile_rules(rules, NOW)
    assert book.stale_at == datetime(2026, 5, 2, tzinfo=UTC)
    assert book.elsewhere.ignore.covers(["b"])
    later = compile_rules(rules, book.stale_at)
    assert not later.elsewhere.ignore.covers(["b"]) and later.elsewhere.ignore.covers(["a"])
    assert compile_rules(rules, NOW + timedelta(days=60)) is NO_RULE_BOOK


def test_what_is_masked_is_known_by_endpoint() -> None:
    rules, _ = check_rules(
        {"mask": [{"path": "$.email"}, {"path": "header:x-user", "endpoints": [ORDERS]}, {"path": "query:who"}]}
    )
    book = compile_rules(rules, NOW)
    assert book.mask_places_for(ORDERS).headers == {"x-user"} and book.mask_places_for("GET /x").headers == set()
    assert book.mask_places_for("GET /x").follow(["email"])[1] and book.mask_places_for("GET /x").query == {"who"}


def test_no_rules_compile_to_nothing_to_ask() -> None:
    assert compile_launch_rules(LaunchSpec("http://shadow")).book is NO_RULE_BOOK
    assert NO_RULE_BOOK.rules_for(ORDERS) is NO_RULES and not NO_RULES.has_body_rules


def test_what_is_stored_is_read_back() -> None:
    rules, _ = check_rules(
        {
            "ignore": [{"path": "$.a", "pattern": r"\d+", "reason": "why", "author": "ann", "expires": "2026-12-31"}],
            "headers": [{"never": ["etag"], "except": [ORDERS]}],
            "status_classes": [{}],
            "tolerance": [{"path": "$", "relative": 0.001}],
        }
    )
    assert load_rules(dump_rules(rules)) == rules
    assert dump_rules(load_rules("")) == ""
    (tolerance,) = compile_rules(rules, NOW).elsewhere.tolerance.find_values([])
    assert tolerance == ToleranceRule(Decimal(0), Decimal("0.001"), tolerance.rank)


@pytest.mark.parametrize(
    "stored",
    [
        b'{"ignore":[{"path":"$.a"},{"path":"$.b","newer":1},{"path":"nonsense"}],"newer":[{"path":"$"}]}',
        b'{"ignore":[{"path":"$.a"}],"only":7}',
    ],
)
def test_a_stored_rule_that_cannot_be_read_excuses_nothing(stored: bytes) -> None:
    assert [rule.path for rule in load_rules(stored.decode()).ignore] == ["$.a"]


def test_stored_rules_that_are_no_rules_excuse_nothing() -> None:
    assert load_rules("nonsense").all() == load_rules("[1]").all() == []


@pytest.mark.parametrize(
    "stored",
    ['{"mask":[{"path":"$.a"},{"path":"$.b","newer":1}]}', '{"mask":{"path":"$.a"}}', "[1]", "nonsense"],
)
def test_where_a_rule_to_mask_cannot_be_read_everything_is_masked(stored: str) -> None:
    book = compile_launch_rules(LaunchSpec("http://shadow", rules=stored), NOW).book
    assert has_unreadable_masks(stored)
    assert book.mask_places_for(ORDERS) is book.mask_places_for("GET /elsewhere") is EVERYTHING


def test_other_rules_that_cannot_be_read_mask_nothing_more() -> None:
    stored = '{"mask":[{"path":"$.a"}],"ignore":[{"path":"$.b","newer":1}],"newer":[{"path":"$"}]}'
    book = compile_launch_rules(LaunchSpec("http://shadow", rules=stored), NOW).book
    assert not has_unreadable_masks(stored)
    assert not has_unreadable_masks("")
    assert not book.mask_places_for(ORDERS).everything
    assert book.mask_places_for(ORDERS).names == {"a"}
