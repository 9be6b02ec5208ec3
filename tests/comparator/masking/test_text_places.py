"""Places in pages and in lines of text are masked in what is stored."""

import pytest
from darklaunch_comparator.masking import ExchangeMasker, MaskPlaces

from tests.support.masking import mask_body

PAGE = b"""<html><body><p>Dear Ann &amp; Bob</p><p>Total: <b>42.00</b></p><p class="c">4</p>
<form><input name=street value="Main Street 5"><a href="/u/17">Ann &amp; Bob</a></form></body></html>"""
HTML = (("content-type", "text/html"),)
TEXT = (("content-type", "text/plain"),)


def masked(body: bytes, *paths: str, types: tuple[tuple[str, str], ...] = HTML) -> str:
    return mask_body(body, types, masker=ExchangeMasker(b"s", MaskPlaces.parse(paths))).decode()


@pytest.mark.parametrize(
    ("path", "gone", "kept"),
    [
        ("html/body/p[1]", "Dear Ann", "42.00"),
        ("html/body/p[2]/b", "42.00", "Total:"),
        ("input[@name=street]/@value", "Main Street", "42.00"),
        ("//a/@href", "/u/17", "Main Street"),
        ("html/body/p[3]", ">4<", "42.00"),
        ("html/body/p[1]/#2", "Dear Ann", "42.00"),
        ("$", "Main Street", "<form>"),
    ],
)
def test_what_stands_at_a_place_of_a_page_is_masked(path: str, gone: str, kept: str) -> None:
    out = masked(PAGE, path)
    assert gone in PAGE.decode() and gone not in out and kept in out and "[masked:" in out


def test_a_page_that_cannot_be_masked_in_place_is_withheld() -> None:
    assert masked(b"<p>caf&eacute; noir</p><p>x</p>", "html/body/p[1]").startswith("[masked:")
    assert masked(b"<div>" * 300 + b"secret", "//div").startswith("[masked:")


def test_lines_of_a_shape_are_masked() -> None:
    out = masked(b"name: Ann\ntook 3 ms\n", "line:took # ms", types=TEXT)
    assert out.startswith("name: Ann\n[masked:") and "3 ms" not in out
