"""The paths of rules: what they name, and how those that cannot be read are refused."""

import pytest
from darklaunch_comparator.places import BadPath, parse_rule_path
from hypothesis import given
from hypothesis import strategies as st


def test_names_status_and_headers() -> None:
    assert parse_rule_path("status").status and not parse_rule_path("$.status").status
    assert parse_rule_path("header:X-Foo").header == "x-foo"
    assert parse_rule_path("header: etag").header == "etag"
    assert parse_rule_path("header:*").header == "*"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a.b", '"a.b" is not a path: start with $ for the body, as in $.items[*].price, or write status, or'),
        ("", '"" is not a path'),
        ("$a", "column 2 on: a step starts with a dot or a bracket"),
        ("$.", "column 2 on: a name is expected after the dot"),
        ("$.a..", "column 4 on: a name is expected after the dot"),
        ("$.a-b", "column 4 on: a step starts with a dot or a bracket"),
        ("$.items[?(@.x>1)]", "column 8 on: filters are not supported"),
        ("$.items[-1]", "column 8 on: indexes from the end are not supported"),
        ("$.items[0:3]", "column 8 on: slices are not supported"),
        ("$.items[", "column 8 on: the bracket is not closed"),
        ("$.items[name]", "column 8 on: a bracket holds one quoted name, one index or *"),
        ("header:", '"header:" names no header: write header: and its name, as in header:etag.'),
        ("header:a b", "names no header"),
        ("$.a\x00\n", r'"$.a\u0000" cannot be read from column 4'),
    ],
)
def test_says_what_is_wrong_and_where(path: str, message: str) -> None:
    with pytest.raises(BadPath) as wrong:
        parse_rule_path(path)
    assert message in str(wrong.value)
    assert str(wrong.value).isprintable()


@given(st.text(max_size=30) | st.text("$.[]*'\"ab0-?:@\\", max_size=30).map("$".__add__))
def test_any_text_is_read_or_refused(path: str) -> None:
    try:
        parse_rule_path(path)
    except BadPath as wrong:
        message = str(wrong)
    else:
        message = ""
    assert message == "" or message.isprintable()
