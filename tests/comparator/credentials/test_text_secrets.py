"""What is hidden in the names of places, and that it is what is masked."""

import pytest
from darklaunch_comparator.credentials import find_secrets, hide_secrets
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("user=ada\npassword=S T", "user=ada\npassword=… T"),
        ('password: "S T"', 'password: "…"'),
        ("<password>\nS\n\nT\n</password>", "<password>\n…\n\n…\n</password>"),
        ('<input name="token" value="S">', '<input name="token" value="…">'),
        ("password=true", "password=true"),
        ("nothing here", "nothing here"),
        (
            "see https://ada:S@shop.example/x and https://shop.example/@ada",
            "see https://ada:…@shop.example/x and https://shop.example/@ada",
        ),
        ("postgresql://ada:S:T@db/shop", "postgresql://ada:…@db/shop"),
        ("https://ada:[masked:0123456789ab]@shop", "https://ada:[masked:0123456789ab]@shop"),
        ("http://host:8080/a@b", "http://host:8080/a@b"),
    ],
)
def test_values_are_hidden_and_lines_stay(text: str, hidden: str) -> None:
    assert hide_secrets(text) == hidden


def test_further_names_count() -> None:
    assert find_secrets("email=a@b", {"email"}) == [(6, 9)]


pieces = st.lists(
    st.sampled_from(["password", "=", ":", '"', "<", ">", "/", " ", "\n", "value", "a", "token", "<!", "]]>"])
)


@given(pieces.map("".join))
def test_spans_are_in_order_and_within_the_text(text: str) -> None:
    spans = find_secrets(text)
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert hide_secrets(text).count("\n") == text.count("\n")
