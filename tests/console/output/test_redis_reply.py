"""Replies of Redis as redis-cli writes them."""

import pytest
from darklaunch_console.output.redis_reply import render_for_person, render_for_pipe
from redis.exceptions import ResponseError


@pytest.mark.parametrize(
    ("reply", "lines"),
    [
        (3, ["(integer) 3"]),
        (None, ["(nil)"]),
        (b'say "hi"\n', ['"say \\"hi\\"\\x0a"']),
        ([], ["(empty array)"]),
        ([b"a", [b"b", 2]], ['1) "a"', '2) 1) "b"', "   2) (integer) 2"]),
        (ResponseError("unknown command"), ["(error) unknown command"]),
    ],
)
def test_a_person_sees_kinds_and_numbers(reply: object, lines: list[str]) -> None:
    assert render_for_person(reply) == lines


def test_a_terminal_is_not_steered_by_what_was_captured() -> None:
    (line,) = render_for_person(b"\x1b[2J\xe2\x80\xae")
    assert "\x1b" not in line
    assert "\u202e" not in line


def test_a_pipe_gets_one_element_a_line_and_bytes_as_they_are() -> None:
    assert render_for_pipe([b"a\xff", [1, None]]) == [b"a\xff", b"1", b""]
