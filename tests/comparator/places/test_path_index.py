"""Which places the paths of rules cover."""

import pytest
from darklaunch_comparator.places import PathIndex, parse_rule_path


def mapped(path: str) -> PathIndex[str]:
    steps = parse_rule_path(path).steps
    return PathIndex([] if steps is None else [(steps, path)])


@pytest.mark.parametrize(
    ("path", "tokens"),
    [
        ("$", ["anything"]),
        ("$", []),
        ("$.a.b", ["a", "b"]),
        ("$.a.b", ["a", "b", 0, "c"]),
        ("$['a.b']", ["a.b"]),
        ('$["a.b"]', ["a.b"]),
        (r"$['it\'s \\ \n \u00e9 \ud83d\ude00']", ["it's \\ \n é 😀"]),
        ("$.items[0].x", ["items", 0, "x"]),
        ("$.items[*].x", ["items", 7, "x"]),
        ("$.items.*.x", ["items", "key", "x"]),
        ("$[*]", [3]),
        ("$..etag", ["etag"]),
        ("$..etag", ["a", 0, "b", "etag"]),
        ("$.a..b.c", ["a", "x", "b", "b", "c", "d"]),
        ("$..['a.b']", ["x", "a.b"]),
        ("  $.naïve ", ["naïve"]),
    ],
)
def test_covers(path: str, tokens: list[str | int]) -> None:
    assert mapped(path).covers(tokens)


@pytest.mark.parametrize(
    ("path", "tokens"),
    [
        ("$.a.b", ["a"]),
        ("$.a.b", ["a", "c"]),
        ("$.a", ["ab"]),
        ("$.items[*].x", ["items", "x"]),
        ("$.items[0]", ["items", 1]),
        ("$.items[0]", ["items", "0"]),
        ("$['0']", [0]),
        ("$[*]", []),
        ("$.a..b", ["b"]),
        ("status", ["status"]),
    ],
)
def test_does_not_cover(path: str, tokens: list[str | int]) -> None:
    assert not mapped(path).covers(tokens)
