"""The rule set as an operator writes it: what is taken, what is refused and in which words, what it compiles to."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from darklaunch_comparator.compare import NO_RULES, ToleranceRule
from darklaunch_comparator.masking import EVERYTHING
from darklaunch_comparator.pipeline.assess import compile_launch_rules
from darklaunch_comparator.rules import (
    NO_RULE_BOOK,
    check_rules,
    compile_rules,
    compute_rule_id,
    dump_rules,
    has_unreadable_masks,
    load_rules,
)
from darklaunch_shared.launch.spec import LaunchSpec, unpack_spec
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ORDERS = "GET /orders/{id}"


def troubles(**rules: Any) -> list[tuple[tuple[str | int, ...], str]]:
    checked, found = check_rules(rules)
    assert not found or not checked.all()
    return [(trouble.location, trouble.message) for trouble in found]


@pytest.mark.parametrize(
    ("rules", "where", "words"),
    [
        ({"ignored": []}, ("ignored",), '"ignored" is no kind of rule; did you mean "ignore"?'),
        ({"zzz": []}, ("zzz",), '"zzz" is no kind of rule; there are: ignore, only, unordered'),
        ({"ignore": [{"path": "$.a", "patern": "x"}]}, ("ignore", 0, "patern"), 'did you mean "pattern"?'),
        ({"ignore": [{}]}, ("ignore", 0), "path is missing"),
        ({"ignore": {"path": "$.a"}}, ("ignore",), "it should be a valid array"),
        ({"ignore": ["$.a"]}, ("ignore", 0), "it should be a valid dictionary"),
        ({"ignore": [{"path": "a.b"}]}, ("ignore", 0, "path"), '"a.b" is not a path: start with $'),
        ({"ignore": [{"path": 1}]}, ("ignore", 0, "path"), "it should be a valid string, got '1'"),
        ({"ignore": [{"path": "$", "pattern": "(?=a)"}]}, ("ignore", 0, "pattern"), "RE2 has no look-ahead"),
        ({"only": [{"path": "status"}]}, ("only", 0, "path"), "the status is always looked at"),
        ({"unordered": [{"path": "header:vary"}]}, ("unordered", 0, "path"), '"header:vary" is not in the body'),
        ({"tolerance": [{"path": "$"}]}, ("tolerance", 0), "say how far apart: absolute = 0.01"),
        ({"tolerance": [{"path": "$", "absolute": -1}]}, ("tolerance", 0, "absolute"), "greater than or equal to 0"),
        ({"tolerance": [{"path": "$", "absolute": float("nan")}]}, ("tolerance", 0, "absolute"), "finite number"),
        ({"headers": [{}]}, ("headers", 0), 'name headers: compare = ["x-total-count"]'),
        ({"headers": [{"compare": ["a b"]}]}, ("headers", 0, "compare", 0), "names no header"),
        ({"headers": [{"compare": ["ETag"], "never": ["etag"]}]}, ("headers", 0), "etag is both compared and never"),
        ({"ignore": [{"path": "$", "expires": "soon"}]}, ("ignore", 0, "expires"), "expires takes a date, or a time"),
        ({"only": [{"path": "$", "expires": "2026-05-01T10:00:00"}]}, ("only", 0), "expires needs a time zone"),
        ({"mask": [{"path": "$", "expires": "2026-05-01"}]}, ("mask", 0), "a mask does not expire"),
        ({"mask": [{"path": "status"}]}, ("mask", 0, "path"), "to mask a parameter of the query, query:name"),
        ({"mask": [{"path": "$", "endpoints": ["/orders"]}]}, ("mask", 0, "endpoints", 0), "write method and route"),
        (
            {"mask": [{"path": "$", "endpoints": [ORDERS], "except": [ORDERS]}]},
            ("mask", 0),
            "endpoints and except contradict each other",
        ),
        ({"ignore": [{"path": "$"}, {"path": "$"}]}, ("ignore", 1), "it is there twice: ignore 1 says the same"),
        (
            {"unordered": [{"path": "$", "by": "a"}, {"path": "$.x"}, {"path": "$", "by": "b"}]},
            ("unordered", 2),
            "it contradicts unordered 1, which says something else of $",
        ),
        (
            {"headers": [{"compare": ["etag"]}, {"never": ["etag"]}]},
            ("headers", 1),
            "it contradicts headers 1, where etag is compared",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(rules: dict[str, Any], where: tuple[str | int, ...], words: str):
    ((place, what),) = troubles(**rules)
    assert place == where
    assert words in what
    assert what.isprintable()


def test_everything_that_is_wrong_is_said_at_once():
    assert len(troubles(ignore=[{"path": "x"}, {"path": "$"}, {"pth": "$"}], only=[{"path": "status"}])) == 4


def test_ten_thousand_rules_are_refused_in_words():
    ((_, what),) = troubles(ignore=[{"path": f"$.a{number}"} for number in range(10_000)])
    assert "a launch takes at most 1,000 rules, and here are 10,000" in what


def test_a_reason_is_asked_for_where_it_must_be():
    _, found = check_rules({"ignore": [{"path": "$.a"}, {"path": "$.b", "reason": "because"}]}, with_reason=True)
    assert [trouble.location for trouble in found] == [("ignore", 0)]
    assert "it does not say why" in found[0].message


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda part: (
            st.lists(part)
            | st.dictionaries(
                st.sampled_from(["ignore", "path", "headers", "compare", "expires", "except"]) | st.text(max_size=5),
                part,
            )
        ),
    )
)
def test_no_values_make_it_raise(given: Any):
    check_rules(given)


def test_an_endpoint_s_rule_goes_before_the_launch_s():
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


def test_a_rule_ends_after_its_last_day_and_says_when_that_is():
    rules, _ = check_rules(
        {"ignore": [{"path": "$", "expires": "2026-05-01"}, {"path": "$.a", "expires": "2026-06-01T00:00Z"}]}
    )
    book = compile_rules(rules, NOW)
    assert book.stale_at == datetime(2026, 5, 2, tzinfo=UTC)
    assert book.elsewhere.ignore.covers(["b"])
    later = compile_rules(rules, book.stale_at)
    assert not later.elsewhere.ignore.covers(["b"]) and later.elsewhere.ignore.covers(["a"])
    assert compile_rules(rules, NOW + timedelta(days=60)) is NO_RULE_BOOK


def test_what_is_masked_is_known_by_endpoint():
    rules, _ = check_rules(
        {"mask": [{"path": "$.email"}, {"path": "header:x-user", "endpoints": [ORDERS]}, {"path": "query:who"}]}
    )
    book = compile_rules(rules, NOW)
    assert book.mask_places_for(ORDERS).headers == {"x-user"} and book.mask_places_for("GET /x").headers == set()
    assert book.mask_places_for("GET /x").follow(["email"])[1] and book.mask_places_for("GET /x").query == {"who"}


def test_no_rules_compile_to_nothing_to_ask():
    assert compile_launch_rules(LaunchSpec("http://shadow")).book is NO_RULE_BOOK
    assert NO_RULE_BOOK.rules_for(ORDERS) is NO_RULES and not NO_RULES.has_body_rules


def test_what_is_stored_is_read_back():
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
def test_a_stored_rule_that_cannot_be_read_excuses_nothing(stored: bytes):
    assert [rule.path for rule in load_rules(stored.decode()).ignore] == ["$.a"]


def test_stored_rules_that_are_no_rules_excuse_nothing():
    assert load_rules("nonsense").all() == load_rules("[1]").all() == []


@pytest.mark.parametrize(
    "stored",
    ['{"mask":[{"path":"$.a"},{"path":"$.b","newer":1}]}', '{"mask":{"path":"$.a"}}', "[1]", "nonsense"],
)
def test_where_a_rule_to_mask_cannot_be_read_everything_is_masked(stored: str):
    book = compile_launch_rules(LaunchSpec("http://shadow", rules=stored), NOW).book
    assert has_unreadable_masks(stored)
    assert book.mask_places_for(ORDERS) is book.mask_places_for("GET /elsewhere") is EVERYTHING


def test_other_rules_that_cannot_be_read_mask_nothing_more():
    stored = '{"mask":[{"path":"$.a"}],"ignore":[{"path":"$.b","newer":1}],"newer":[{"path":"$"}]}'
    book = compile_launch_rules(LaunchSpec("http://shadow", rules=stored), NOW).book
    assert not has_unreadable_masks(stored)
    assert not has_unreadable_masks("")
    assert not book.mask_places_for(ORDERS).everything
    assert book.mask_places_for(ORDERS).names == {"a"}


def test_the_ignore_paths_of_a_launch_of_0_1_0_are_rules():
    spec = unpack_spec(b'{"shadow":"http://shadow","ignore":["$.at","header:etag"]}')
    book = compile_launch_rules(spec, NOW).book
    assert book.elsewhere.ignore.covers(["at"])
    assert book.elsewhere.ignore_headers == {"etag": (None,)}
    assert unpack_spec(orjson.dumps(spec)) == spec


def test_a_rule_is_named_by_what_it_does():
    one, other, third = check_rules(
        {"ignore": [{"path": "$.a", "reason": "x"}, {"path": "$.b"}, {"path": "$.a", "endpoints": [ORDERS]}]}
    )[0].ignore
    assert compute_rule_id(one) == compute_rule_id(
        one.model_copy(update={"reason": "y", "author": "z", "expires": NOW})
    )
    assert len({compute_rule_id(one), compute_rule_id(other), compute_rule_id(third)}) == 3
