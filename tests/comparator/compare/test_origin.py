"""Where a side's own origin is replaced."""

from darklaunch_comparator.compare.origin import replace_origin


def test_an_origin_is_only_cut_where_a_url_of_it_stands() -> None:
    origin = "http://shop.example"
    assert replace_origin("see http://shop.example/a.", origin) == "see \x02/a."
    assert replace_origin("http%3A%2F%2Fshop.example%2Fa", origin) == "\x02%2Fa"
    for other in (
        "http://shop.example.org/a",
        "http://shop.example:81/a",
        "http://shop.examples/a",
        "https://shop.example/",
    ):
        assert replace_origin(other, origin) == other
    assert replace_origin("anything", "") == "anything"
