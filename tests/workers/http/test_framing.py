"""Which heads say clearly where a response ends."""

import pytest
from darklaunch_workers.http.errors import ConnectionFailure
from darklaunch_workers.http.framing import check_framing, check_head, check_version


@pytest.mark.parametrize("headers", [[], [("content-length", "2")], [("transfer-encoding", " Chunked ")]])
def test_clear_framing_passes(headers: list[tuple[str, str]]) -> None:
    check_framing(headers)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\ncontent-length: 2\nTRANSFER-ENCODING: chunked\n\n",
        b"HTTP/1.1 200 OK\r\nx: y\r\n z\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: \x7f\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
    ],
)
def test_unclear_heads_are_refused(head: bytes) -> None:
    with pytest.raises(ConnectionFailure, match=r"not clear HTTP/1\.1"):
        check_head(head)


def test_versions() -> None:
    check_version("1.0")
    with pytest.raises(ConnectionFailure, match=r"version 1\.2"):
        check_version("1.2")
