"""On which line of a rule file a mistake stands."""

import pytest
from darklaunch_comparator.rules.line_numbers import Location, find_json_line, find_toml_line

TOML = """\
version = 1
[[ignore]]
path = "$.a"
[[tolerance]]
path = "$.b"
[[ignore]]
path = "$.c"
reason = "gone"
"""
JSON = """\
{"ignore": [
  {"path": "$.a"},
  {"path": "$.c",
   "reason": "a, [b] {c}: d"}
 ],
 "tolerance": []}
"""


@pytest.mark.parametrize(
    ("location", "line"),
    [
        (("version",), 1),
        (("ignore", 0, "path"), 3),
        (("ignore", 1, "reason"), 8),
        (("ignore", 1, "pth"), 6),
        (("ignore", 1), 6),
        (("tolerance", 0, "path"), 5),
        (("mask", 0, "path"), 1),
    ],
)
def test_a_key_of_toml_is_found_or_else_its_table(location: Location, line: int) -> None:
    assert find_toml_line(TOML, location) == line


@pytest.mark.parametrize(
    ("location", "line"),
    [
        (("ignore", 0, "path"), 2),
        (("ignore", 1, "path"), 3),
        (("ignore", 1, "reason"), 4),
        (("ignore", 1, "pth"), 3),
        (("tolerance",), 6),
        (("mask",), 1),
    ],
)
def test_a_value_of_json_is_found_or_else_what_is_around_it(location: Location, line: int) -> None:
    assert find_json_line(JSON, location) == line
