"""Printed JSON: nothing in it steers a terminal, and it reads back as it was."""

import tomllib
import unicodedata

import orjson
from darklaunch_shared.process.safe_json import dump_safe_json, escape_document
from hypothesis import given
from hypothesis import strategies as st

STEERING = "\x1b[2J \x7f \x9b31m \u202edlrow \u2066 \u200b \u2028 \U000e0001"


def test_what_steers_a_terminal_is_escaped() -> None:
    assert dump_safe_json({STEERING: [STEERING]}).decode().isascii()
    assert dump_safe_json(["é 漢 😀"]).decode() == '["é 漢 😀"]'
    assert dump_safe_json({"a": 1}, indent=True) == b'{\n  "a": 1\n}'


@given(st.dictionaries(st.text(), st.text() | st.integers(-9, 9) | st.lists(st.text(st.characters(codec="utf-8")))))
def test_it_reads_back_as_it_was_and_holds_nothing_hidden(value: dict[str, object]) -> None:
    printed = dump_safe_json(value, indent=True)
    assert orjson.loads(printed) == value
    hidden = {"Cc", "Cf", "Co", "Cn", "Zl", "Zp"}
    assert not [each for each in printed.decode() if each != "\n" and unicodedata.category(each) in hidden]


def test_toml_reads_back_too() -> None:
    document = escape_document("a = " + orjson.dumps(STEERING).decode(), toml=True)
    assert document.isascii()
    assert tomllib.loads(document) == {"a": STEERING}
