"""Multipart bodies are split whatever their boundary; what is none stays whole."""

import pytest
from darklaunch_comparator.content import Part, multipart, split_multipart

BODY = (
    b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\none\r\n'
    b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.json"\r\n'
    b"content-type: application/json\r\n\r\n{}\r\n"
    b"--x--\r\n"
)
PARTS = [Part("a", "", "", "", b"one"), Part("f", "f.json", "application/json", "", b"{}")]


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", 'multipart/mixed; boundary="x"', ""])
def test_parts_are_found_by_the_headers_boundary_or_by_the_bodys_own(content_type: str) -> None:
    assert split_multipart(BODY, content_type) == PARTS


def test_another_boundary_gives_the_same_parts() -> None:
    assert split_multipart(BODY.replace(b"--x", b"--7f9c24e8"), "multipart/form-data; boundary=7f9c24e8") == PARTS


def test_lines_may_end_in_one_character_and_a_part_may_have_no_header_fields() -> None:
    assert split_multipart(b"--x\n\nbare\n--x--", "m; boundary=x") == [Part("", "", "", "", b"bare")]


@pytest.mark.parametrize("content", [b"", b"plain", b"--x\r\n\r\none\r\n", b"--y\r\n\r\none\r\n--y--"])
def test_what_does_not_end_as_it_began_is_not_split(content: bytes) -> None:
    assert split_multipart(content, "multipart/form-data; boundary=x") is None


def test_more_parts_than_the_cap_are_not_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "PARTS_CAP", 3)
    for count, expected in ((3, 3), (4, None)):
        parts = split_multipart(b"--x\n\na\n" * count + b"--x--", "m; boundary=x")
        assert (parts and len(parts)) == expected
