"""The file form of rules: what is read back, and on which line a mistake is."""

from datetime import UTC, datetime

import pytest
from darklaunch_comparator.errors import BadRules
from darklaunch_comparator.rules import RuleSet, dump_rules, read_rules_file, write_rules_toml
from darklaunch_comparator.rules.model import Ignore, Mask, UnorderedArrays
from hypothesis import given
from hypothesis import strategies as st

TOML = """\
# what we know of our answers
[[ignore]]
path = "$.total_cents"
reason = "renamed"

[[ignore]]
path = "$.sku"
pattern = 'new-[0-9]+\\d'
reason = "new numbers"
endpoints = ["GET /orders/{id}"]

[[tolerance]]
path = "$.n"
absolute = 0.01
reason = "rounded"
expires = 2026-12-31
"""

JSON = """\
{
  "ignore": [
    {"path": "$.a", "reason": "one"},
    {
      "path": "$.b",
      "reason": "two",
      "endpoints": ["GET /a", "GET /b"]
    }
  ],
  "only": [{"path": "$.c", "reason": "three"}]
}
"""


def refused(text: str) -> str:
    with pytest.raises(BadRules) as wrong:
        read_rules_file(text, "rules.toml")
    return str(wrong.value)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('path = "$.sku"', 'path = "sku"', 'rules.toml:7: ignore 2, path: "sku" is not a path'),
        (
            "pattern =",
            "patern =",
            'rules.toml:8: ignore 2, patern: "patern" is no key of ignore; did you mean "pattern"?',
        ),
        ("'new-[0-9]+", "'(new", "rules.toml:8: ignore 2, pattern: the pattern"),
        ('path = "$.n"\n', "", "rules.toml:12: tolerance 1: path is missing"),
        ("[[tolerance]]", "[[tolerances]]", 'rules.toml:12: tolerances: "tolerances" is no kind of rule'),
        ("[[tolerance]]", "[tolerance]", "rules.toml:12: tolerance: it should be a valid array"),
        ("absolute = 0.01", "absolute = -1", "rules.toml:14: tolerance 1, absolute: it should be greater"),
        ('reason = "renamed"\n', "", "rules.toml:2: ignore 1: it does not say why"),
        ('"$.total_cents"', '"$.total_cents', "rules.toml is no TOML: Illegal character '\\n' (at line 3"),
        ("GET /orders/{id}", "/orders", "rules.toml:10: ignore 2, endpoints: '/orders' is no endpoint"),
        ("2026-12-31", '"never"', "rules.toml:16: tolerance 1, expires: expires takes a date"),
    ],
)
def test_a_mistake_in_toml_is_said_with_its_line(right: str, wrong: str, said: str) -> None:
    assert right in TOML
    assert said in refused(TOML.replace(right, wrong))


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('"path": "$.b"', '"path": "b"', 'rules.toml:5: ignore 2, path: "b" is not a path'),
        ('"reason": "two"', '"resaon": "two"', "rules.toml:6: ignore 2, resaon:"),
        ("GET /b", "b", "rules.toml:7: ignore 2, endpoints: 'b' is no endpoint"),
        ('"only"', '"onyl"', 'rules.toml:10: onyl: "onyl" is no kind of rule; did you mean "only"?'),
        ('"path": "$.c", ', "", "rules.toml:10: only 1: path is missing"),
        ('"only":', '"only"', "rules.toml:10 is no JSON"),
    ],
)
def test_a_mistake_in_json_is_said_with_its_line(right: str, wrong: str, said: str) -> None:
    assert right in JSON
    assert said in refused(JSON.replace(right, wrong))


def test_many_mistakes_are_counted() -> None:
    text = "\n".join(f'[[ignore]]\npath = "x{number}"\nreason = "y"' for number in range(9))
    said = refused(text)
    assert said.count("is not a path") == 4
    assert said.endswith("; and 5 more")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "\0", "= =", "{", '{"ignore": 7}', "[]"])
def test_no_file_makes_it_raise_anything_else(text: str) -> None:
    assert refused(text)


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}"])
def test_a_file_may_hold_no_rules(text: str) -> None:
    assert read_rules_file(text, "rules.toml") == RuleSet()


NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(str.strip)
rule_sets = st.builds(
    RuleSet,
    ignore=st.lists(
        st.builds(
            Ignore,
            path=st.sampled_from(["$.a", "$['it\\'s \"b\"']", "header:etag", "$..c"]),
            pattern=st.sampled_from([None, r"\d+", "it's", "\"\\\\'", "\u2028\x7f\n\x9b\U000e0001"]),
            reason=texts,
            author=texts,
            expires=st.sampled_from(
                [None, datetime(2026, 5, 1, 12, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC).date()]
            ),
        ),
        max_size=2,
        unique_by=lambda rule: rule.subject,
    ).map(tuple),
    unordered=st.lists(st.builds(UnorderedArrays, path=st.just("$"), by=texts, reason=texts), max_size=1).map(tuple),
    mask=st.lists(
        st.builds(Mask, path=st.just("query:a"), reason=texts, excepted=st.just(("GET /a'b",))), max_size=1
    ).map(tuple),
)


@given(rule_sets)
def test_what_is_written_is_read_back(rules: RuleSet) -> None:
    assert read_rules_file(write_rules_toml(rules), "x") == rules
    assert dump_rules(rules) == "" or read_rules_file(dump_rules(rules), "x") == rules
