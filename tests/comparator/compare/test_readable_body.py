"""Bodies as people read them."""

import gzip

from darklaunch_comparator.compare import decode_body, format_body
from darklaunch_shared.wire.exchange import Headers, Response

JSON: Headers = (("content-type", "application/json"),)
CODED: Headers = (*JSON, ("content-encoding", "gzip"))


def build_response(body: bytes, headers: Headers = JSON) -> Response:
    return Response(200, headers, body, 1.0)


def test_json_is_laid_out_over_lines_whatever_its_coding() -> None:
    text = '{\n  "a": 1\n}'
    assert format_body(build_response(b'{"a":1}')) == text
    assert format_body(build_response(gzip.compress(b'{"a":1}'), CODED)) == text


def test_text_that_is_not_json_stays_as_it_is() -> None:
    assert format_body(build_response(b"a\nb", (("content-type", "text/plain"),))) == "a\nb"


def test_what_is_not_text_is_described_by_size_and_reason() -> None:
    text, description = decode_body(build_response(b"not gzip", CODED))
    assert text == ""
    assert description.startswith("8 bytes, sha256 ")
    assert "not gzip" in description
    assert format_body(build_response(b"\xff\xfe\xfd", JSON)).startswith("3 bytes, sha256 ")
