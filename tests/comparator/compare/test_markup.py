"""HTML and XML are compared as trees: what a page does not show is no difference, and what differs has a place."""

import pytest
from darklaunch_comparator.compare import Comparison, ComparisonOutcome, KnownNoise, compare, make_noise_key
from hypothesis import given
from hypothesis import strategies as st

from tests.support.comparisons import build_side, compare_bodies
from tests.support.rules import ignoring, ruled

PAGE = """<!doctype html>
<html><head><title>Order</title><script nonce="{nonce}">start("{nonce}");</script></head>
<body><p>Total: {total}</p><footer>rendered in {ms} ms</footer></body></html>"""
MILLION = 1_000_000


def compared(primary: str | bytes, shadow: str | bytes, content_type: str = "text/html") -> Comparison:
    return compare_bodies(primary, shadow, content_type=content_type)


def places(comparison: Comparison) -> list[str]:
    return [f"{difference.path} {difference.kind}" for difference in comparison.differences]


def test_a_wrong_total_is_found_beside_a_nonce_and_a_render_time_that_are_noise() -> None:
    primary = PAGE.format(nonce="a8Xk2LpQ9sWz", total="42.00", ms="3.1")
    again = PAGE.format(nonce="Zq7Rt4Vb1NmK", total="42.00", ms="4.7")
    differences = compared(primary, again).differences
    learned = frozenset(make_noise_key(difference.group_path, difference.kind) for difference in differences)
    assert "html/body/p" not in {path for path, _ in learned}
    noise = KnownNoise(volatile=learned)
    same = PAGE.format(nonce="Hy6Gt3Fd9SaQ", total="42.00", ms="9.2")
    wrong = PAGE.format(nonce="Hy6Gt3Fd9SaQ", total="0.00", ms="9.2")
    sides = [build_side(page, "text/html") for page in (primary, same, wrong)]
    assert compare("GET", sides[0], sides[1], noise=noise).outcome is ComparisonOutcome.MATCHED
    assert places(compare("GET", sides[0], sides[2], noise=noise)) == ["html/body/p text"]


@pytest.mark.parametrize(
    ("primary", "shadow"),
    [
        ("<p>a</p>\n\n  <p>b</p>", "<p>a<p>b"),
        ("<p>a  b\n c</p>", "<p>a b c</p>"),
        ("<p><b>a</b> b</p>", "<p><b>a </b>b</p>"),
        ("<p>a<br> b</p>", "<p>a <br>b</p>"),
        ('<input type="checkbox" CHECKED>', "<input checked=checked type=checkbox>"),
        ("<p>\u00e9 &lt;</p>", "<p>&eacute; &#60;</p>"),
        ("<div><!-- 17 --><p>a</p></div>", "<div><p>a</p><!-- 18 --></div>"),
        ("<script>\n  a()\n</script>", "<script>a()</script>"),
    ],
)
def test_what_a_page_does_not_show_is_no_difference(primary: str, shadow: str) -> None:
    assert compared(primary, shadow).outcome is ComparisonOutcome.MATCHED


@pytest.mark.parametrize(
    ("primary", "shadow", "found"),
    [
        ("<p><b>a</b> <i>b</i></p>", "<p><b>a</b><i>b</i></p>", ["html/body/p/i text"]),
        ("<pre>a  b</pre>", "<pre>a b</pre>", ["html/body/pre text"]),
        ("<p>a</p>", "<p>a</p><p>b</p>", ["html/body/p[2] extra"]),
        ("<p>a</p>", "<div>a</div>", ["html/body/p missing", "html/body/div extra"]),
        ("<p id=main>a</p>", "<p>a</p>", ["html/body/p[@id=main]/@id missing"]),
        ("<p>a</p>", "<p></p>", ["html/body/p missing"]),
        ("<a href='/x?id=7&t=5'>x</a>", "<a href='/x?id=7&t=6'>x</a>", ["html/body/a/@href/#2 value"]),
        ("<dl><dt>Net<dd>1<dt>Tax<dd>2</dl>", "<dl><dt>Net<dd>1<dt>Tax<dd>3</dl>", ["html/body/dl/dd[dt=Tax] text"]),
    ],
)
def test_each_difference_has_a_place_of_its_own(primary: str, shadow: str, found: list[str]) -> None:
    assert places(compared(primary, shadow)) == found


def test_one_row_more_is_one_difference_however_noisy_the_others_are() -> None:
    rows = "".join(f"<tr><td>Thing {word}<td>{word}{number}" for number, word in enumerate("abcdefghijkl"))
    others = "".join(f"<tr><td>Thing {word}<td>{word}{number + 1}" for number, word in enumerate("abcdefghijkl"))
    found = compared(f"<table>{rows}</table>", f"<table><tr><td>New<td>5{others}</table>")
    kinds = [difference.kind.value for difference in found.differences]
    assert (kinds.count("extra"), kinds.count("missing")) == (1, 0)
    assert {difference.group_path for difference in found.differences} == {
        "html/body/table/tr[*]",
        "html/body/table/tr[*]/td[2]",
    }


def test_rules_name_places_in_pages() -> None:
    primary, shadow = "<p>a</p><p class=x>1.00</p><ul><li>a<li>b</ul>", "<p>a</p><p class=y>1.01</p><ul><li>b<li>a</ul>"

    def outcome(**rules: object) -> Comparison:
        return compare_bodies(primary, shadow, content_type="text/html", rules=ruled(**rules))

    found = ["html/body/p[2]/@class value", "html/body/p[2] text", "html/body/ul order"]
    assert places(outcome()) == found
    assert places(outcome(ignore=[{"path": "p[2]/@class"}])) == found[1:]
    assert places(outcome(ignore=[{"path": "body/p[*]"}])) == found[2:]
    assert places(outcome(ignore=[{"path": "//p", "pattern": "1.*"}])) == [found[0], found[2]]
    assert places(outcome(only=[{"path": "html/body/ul"}])) == found[2:]
    assert places(outcome(only=[{"path": "$"}])) == found
    assert places(outcome(unordered=[{"path": "html/body/ul"}])) == found[:2]
    assert places(outcome(tolerance=[{"path": "html/body/p[2]", "absolute": 0.02}])) == [found[0], found[2]]
    assert places(outcome(structure_only=[{"path": "$"}])) == found[2:]
    assert places(outcome(ignore=[{"path": "$"}])) == []


def test_xml_is_compared_as_it_is_written() -> None:
    feed = '<feed xmlns="urn:a"><entry id="7"><n>1</n></entry><entry><n>2</n></entry></feed>'
    same = '<?xml version="1.0"?>\n<x:feed xmlns:x="urn:a">\n<x:entry id=\'7\'><x:n>1</x:n></x:entry><x:entry><x:n>2'
    same += "</x:n></x:entry>\n</x:feed>"
    assert compared(feed, same, "application/atom+xml").outcome is ComparisonOutcome.MATCHED
    found = compared(feed, feed.replace("<n>2", "<N>2").replace("2</n>", "2</N>"), "application/atom+xml")
    assert places(found) == ["feed/entry[2]/n missing", "feed/entry[2]/N extra"]
    assert found.differences[0].group_path == "feed/entry[*]/n"
    assert places(compared(feed, feed.replace("urn:a", "urn:b"), "application/atom+xml")) == ["/feed type"]
    assert places(compared(feed, feed[:-3], "application/atom+xml")) == ["$ type"]


def test_a_page_that_is_no_tree_is_compared_by_lines_and_says_so() -> None:
    deep = "<div>" * 300 + "\nTotal: {}"
    (found,) = compared(deep.format(1), deep.format(2)).differences
    assert (found.path, found.kind) == ("line:Total: #", "text")
    assert found.primary == 'nested more than 200 deep, so compared by lines: line 2: "Total: 1"'
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>\n<x>&b;{}</x>'
    (found,) = compared(bomb.format(1), bomb.format(2), "text/xml").differences
    assert found.path == "line:<x>&b;#</x>" and "declares entities" in str(found.primary)


@pytest.mark.parametrize(
    "hostile",
    [
        b"<div>" * 100_000,
        b"<a><b><i>" * 30_000,
        b"<table><tr><td>" * 30_000,
        b"<p>x" * 100_000,
        b'<p a="' + b"x" * 10 * MILLION + b'">',
        b"<p " + b" ".join(b"a%d=1" % number for number in range(120_000)) + b">",
        b"<" * MILLION,
        b"&" * MILLION,
        b"<!--" * 200_000,
        b"</p>" * 200_000,
        b"<p>a\0b</p>",
        b"<p>\xff\xfe</p>",
        b"<" + b"x" * MILLION,
        b"<p>" + b"<br>1" * 20_000,
    ],
    ids=range(14),
)
@pytest.mark.parametrize("content_type", ["text/html", "application/xml"])
def test_hostile_pages_are_compared_in_bounded_time(hostile: bytes, content_type: str) -> None:
    page = b"<html><p>1</p>" + hostile
    found = compared(page, page.replace(b"<p>1", b"<p>2"), content_type)
    assert found.outcome in (ComparisonOutcome.MISMATCHED, ComparisonOutcome.UNVERIFIED)


Tree = st.recursive(
    st.sampled_from(["a", "7", "x &amp; y", " ", "2024-05-01T12:00:00Z", ""]),
    lambda parts: st.builds(
        lambda name, attributes, inner: f"<{name}{attributes}>{''.join(inner)}</{name}>",
        st.sampled_from(["div", "p", "b", "ul", "li", "table", "tr", "td", "span", "script", "form"]),
        st.sampled_from(["", " class=x", " id=main", " name='q'", " href='/a?b=1'"]),
        st.lists(parts, max_size=4),
    ),
    max_leaves=12,
)


@given(Tree, Tree)
def test_whatever_differs_is_reported_either_way_round_and_its_places_can_be_ignored(one: str, other: str) -> None:
    one, other = f"<main>{one}", f"<main>{other}"
    assert compared(one, one + "<!-- -->").outcome is ComparisonOutcome.MATCHED
    there, back = compared(one, other), compared(other, one)
    assert there.outcome is back.outcome
    groups = {difference.group_path for difference in there.differences}
    if groups and not there.omitted:
        left = compare_bodies(one, other, content_type="text/html", rules=ignoring(*groups))
        assert left.differences == ()
