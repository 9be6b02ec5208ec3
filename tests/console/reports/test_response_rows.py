"""The rows of two bodies: markup laid out by tag, long bodies cut, what is not text described."""

from darklaunch_console.reports.response_rows import SHOWN_CHARS, align_bodies, is_cut, lay_out_markup
from darklaunch_shared.wire.exchange import Response


def respond(body: bytes, content_type: str = "text/plain") -> Response:
    return Response(200, (("content-type", content_type),), body, 1.0)


def test_markup_on_one_line_is_laid_out_by_element_and_indented() -> None:
    assert lay_out_markup("<ul><li>tea</li><li>a <b>big</b> cake<br></li></ul>") == [
        "<ul>",
        "  <li>tea</li>",
        "  <li>",
        "    a",
        "    <b>big</b>",
        "    cake",
        "    <br>",
        "  </li>",
        "</ul>",
    ]


def test_markup_that_is_never_closed_takes_linear_time_and_keeps_its_text() -> None:
    lines = lay_out_markup("<" * 50_000 + "<a" * 50_000)
    assert "".join(lines).replace(" ", "") == "<" * 50_000 + "<a" * 50_000


def test_rows_of_pages_pair_the_lines_that_are_the_same() -> None:
    rows = align_bodies(respond(b"<p>a</p><p>b</p>", "text/html"), respond(b"<p>a</p><p>c</p>", "text/html"))
    assert [(row.left, row.right, row.mark) for row in rows] == [
        ("<p>a</p>", "<p>a</p>", " "),
        ("<p>b</p>", "<p>c</p>", "≠"),
    ]


def test_a_long_body_is_cut_and_says_so() -> None:
    long = respond(b"x" * (SHOWN_CHARS + 1))
    (row,) = align_bodies(long, respond(b"y"))
    assert row.left is not None
    assert (len(row.left), is_cut(long)) == (SHOWN_CHARS, True)


def test_what_is_not_text_is_described_by_size() -> None:
    (row,) = align_bodies(respond(b"\x89PNG\0\1"), respond(b"\x89PNG\0\2\3"))
    assert row.left is not None
    assert "6 bytes" in row.left
