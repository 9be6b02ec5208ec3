"""A rule set that somebody wrote: what is refused, and in which words."""

from typing import Any

import pytest
from darklaunch_comparator.rules import (
    check_rules,
)
from hypothesis import given
from hypothesis import strategies as st

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
def test_what_is_wrong_is_said_with_its_place(rules: dict[str, Any], where: tuple[str | int, ...], words: str) -> None:
    ((place, what),) = troubles(**rules)
    assert place == where
    assert words in what
    assert what.isprintable()


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert len(troubles(ignore=[{"path": "x"}, {"path": "$"}, {"pth": "$"}], only=[{"path": "status"}])) == 4


def test_ten_thousand_rules_are_refused_in_words() -> None:
    ((_, what),) = troubles(ignore=[{"path": f"$.a{number}"} for number in range(10_000)])
    assert "a launch takes at most 1,000 rules, and here are 10,000" in what


def test_a_reason_is_asked_for_where_it_must_be() -> None:
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
def test_no_values_make_it_raise(given: Any) -> None:
    check_rules(given)
