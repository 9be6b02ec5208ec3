"""Markup as trees: what is shown counts, how it is written does not, and no input passes the caps."""

from __future__ import annotations

import pytest
from darklaunch_comparator.content import Element, MalformedMarkup, markup, parse_html, parse_xml


def read_html(text: str) -> Element:
    tree = parse_html(text.encode())
    assert isinstance(tree, Element)
    return tree


def read_xml(text: str) -> Element:
    tree = parse_xml(text.encode())
    assert isinstance(tree, Element)
    return tree


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<p>a b</p>", "<P>\n  a \n b\n</P>"),
        ('<p class="b a a">x</p>', '<p class="a  b">x</p>'),
        ("<input disabled>", '<input disabled="disabled">'),
        ("<p>a<!-- note -->b</p>", "<p>ab</p>"),
        ('<p id="x" lang="en">a</p>', '<p lang="en" id="x">a</p>'),
        ("<ul><li>a<li>b</ul>", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
    ],
)
def test_pages_that_look_alike_are_equal(one: str, other: str) -> None:
    assert read_html(one).digest == read_html(other).digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<p>a b</p>", "<p>ab</p>"),
        ("<p>a<b> b</b></p>", "<p>a<b>b</b></p>"),
        ("<pre>a  b</pre>", "<pre>a b</pre>"),
        ('<p title="a  b">x</p>', '<p title="a b">x</p>'),
        ("<p>a</p><p>b</p>", "<p>b</p><p>a</p>"),
        ("<input disabled>", "<input>"),
    ],
)
def test_pages_that_look_different_are_not(one: str, other: str) -> None:
    assert read_html(one).digest != read_html(other).digest


def test_texts_stand_before_between_and_after_children() -> None:
    paragraph = read_xml("<p>one <b>two</b> three</p>")
    assert (paragraph.texts, paragraph.children[0].texts) == (["one", "three"], ["two"])
    assert paragraph.list_texts() == ["one", "three"]


def test_a_name_is_known_without_its_namespace() -> None:
    element = read_xml('<a:order xmlns:a="urn:x"/>')
    assert (element.name, element.local_name) == ("{urn:x}order", "order")


@pytest.mark.parametrize("text", ["<a><b></a>", "<a", "", "plain", "<a/><b/>"])
def test_xml_that_is_not_well_formed_says_so(text: str) -> None:
    tree = parse_xml(text.encode())
    assert isinstance(tree, MalformedMarkup)
    assert tree.is_invalid and tree.reason.startswith("not well-formed")


def test_xml_with_entities_is_not_read() -> None:
    tree = parse_xml(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>')
    assert isinstance(tree, MalformedMarkup)
    assert "entities" in tree.reason and not tree.is_invalid


def test_a_page_of_nothing_is_an_empty_page() -> None:
    assert read_html(" ").children == read_html("<!-- only a comment -->").children == []


@pytest.mark.parametrize(
    ("cap", "text", "reason"),
    [
        ("ELEMENTS_CAP", "<p>" + "<b></b>" * 20 + "</p>", "more than 10 elements"),
        ("DEPTH_CAP", "<div>" * 20, "nested more than 10 deep"),
        ("ATTRIBUTES_CAP", "<p>" + "<b a='1' c='2'></b>" * 8 + "</p>", "more than 10 attributes"),
    ],
)
def test_a_tree_past_a_cap_is_given_up(monkeypatch: pytest.MonkeyPatch, cap: str, text: str, reason: str) -> None:
    monkeypatch.setattr(markup, cap, 10)
    assert parse_html(text.encode()) == MalformedMarkup(reason)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "_import_library", lambda: None)
    tree = parse_html(b"<p>a</p>")
    assert isinstance(tree, MalformedMarkup) and "pip install 'darklaunch[comparator]'" in tree.reason
