"""The shape of a text: equal when only numbers, times and ids differ, and never a secret."""

import pytest
from darklaunch_comparator.places.line_shape import SHAPE_CHARS, read_shape


@pytest.mark.parametrize(
    ("text", "name", "parts"),
    [
        ("order 17 of 2025-11-23T12:00:00Z", "order # of <time>", ("17", "2025-11-23T12:00:00Z")),
        ("id 7f9c24e8-3b12-4c7e-9d1f-0a2b3c4d5e6f", "id <id>", ("7f9c24e8-3b12-4c7e-9d1f-0a2b3c4d5e6f",)),
        ("took 1,250.5 ms", "took # ms", ("1,250.5",)),
        ("Sun, 23 Nov 2025 12:00:00 GMT", "<time>", ("Sun, 23 Nov 2025 12:00:00 GMT",)),
        ("  two \n lines ", "two lines", ()),
        ("", "(empty)", ()),
    ],
)
def test_numbers_times_and_ids_are_replaced(text: str, name: str, parts: tuple[str, ...]) -> None:
    shape = read_shape(text)
    assert (shape.name, shape.parts) == (name, parts)


@pytest.mark.parametrize("text", ['password = "hunter"', "api_key: hunter", "Authorization: Bearer hunter"])
def test_what_follows_the_name_of_a_credential_is_not_in_a_shape(text: str) -> None:
    assert "hunter" not in read_shape(text).name


def test_an_address_of_a_person_is_not_in_a_shape() -> None:
    assert read_shape("mail ann.b@shop.example now").name == "mail <email> now"


def test_a_long_text_has_a_short_name_and_is_told_from_one_with_another_end() -> None:
    one, other = (read_shape("word " * 1000 + end) for end in ("a", "b"))
    assert len(one.name) == SHAPE_CHARS + 1
    assert one.frame != other.frame
