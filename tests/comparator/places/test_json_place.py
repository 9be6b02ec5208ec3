"""Paths of places are short and different, however long their names."""

import json

from tests.support.comparisons import compare_bodies


def test_names_and_values_of_megabytes_give_short_paths_and_renderings() -> None:
    name, value = "k" * 2_000_000, "v" * 2_000_000
    (found,) = compare_bodies(json.dumps({name: value}), json.dumps({name: value + "w"})).differences
    assert len(found.path) <= 400 and len(found.group_path) <= 400
    assert found.primary is not None and found.shadow is not None
    assert len(found.primary) < 400 and found.primary != found.shadow


def test_long_paths_of_different_places_stay_different() -> None:
    one = {"n" * 500 + "a": 1, "n" * 500 + "b": 1}
    paths = {each.path for each in compare_bodies(json.dumps(one), json.dumps(dict.fromkeys(one, 2))).differences}
    assert len(paths) == 2


def test_thousands_of_differences_under_a_name_of_megabytes() -> None:
    one = json.dumps({"k" * 2_000_000: [[0]] * 9_000})
    found = compare_bodies(one, one.replace("[0]", "[1]"))
    assert len(found.differences) + found.omitted == 9_000
    assert all(len(each.path) <= 400 for each in found.differences)
