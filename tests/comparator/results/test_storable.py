"""What Postgres cannot store is replaced, cut or written as text, and the rest stays as it is."""

import orjson
import pytest
from darklaunch_comparator.results.storable import storable_json, storable_text
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "stored"), [("plain", "plain"), ("a\0b", "a�b"), ("\ud800x", "�x"), ("größer 数", "größer 数"), ("", "")]
)
def test_text_loses_only_what_cannot_be_stored(text: str, stored: str) -> None:
    assert storable_text(text, 100) == stored


def test_long_text_is_cut_to_the_limit() -> None:
    assert storable_text("x" * 10, 10) == "x" * 10
    assert storable_text("x" * 11, 10) == "x" * 9 + "…"


@given(st.text(st.characters(), max_size=30), st.integers(1, 20))
def test_any_text_can_be_stored_and_is_no_longer_than_asked_for(text: str, limit: int) -> None:
    stored = storable_text(text, limit)
    assert "\0" not in stored and len(stored.encode().decode()) <= limit


def test_json_is_bounded_in_numbers_depth_and_strings() -> None:
    deep: object = "end"
    for _ in range(20):
        deep = [deep]
    stored = orjson.loads(storable_json({"n": 2**70, "s": "x" * 50, "t": (1, 2.5, None, True), 7: "\0"}, limit=20))
    assert stored == {"n": "1180591620717411303…", "s": "x" * 19 + "…", "t": [1, 2.5, None, True], "7": "�"}
    eighth = orjson.loads(storable_json(deep))
    for _ in range(8):
        (eighth,) = eighth
    assert eighth.startswith("[[[") and "end" in eighth, "what is deeper is text"
