"""A traffic file is opened in the format and compression that its bytes show."""

import gzip

import pytest
from darklaunch_console.traffic_files.recorded import BadTrafficFile
from darklaunch_console.traffic_files.traffic_file import detect_format, identify_file, read_traffic_file

LINE = b'{"method": "GET", "url": "/a"}\n'


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b'{"log": {"version": "1.2"', "har"),
        (b'\xef\xbb\xbf{\n  "log" : {', "har"),
        (LINE, "jsonl"),
        (b'{"level":"info","logger":"http.log.access.log0","request":{"method":"GET"}}\n', "log"),
        (b"1 932079936fa4306fc308d67588178d17d823647c 1796040000500000000\nGET / HTTP/1.1\r\n", "gor"),
        (b'203.0.113.7 - - [30/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5\n', "log"),
    ],
)
def test_a_format_is_known_by_its_first_bytes(start, kind):
    assert detect_format(start, "a") == kind


@pytest.mark.parametrize(("start", "problem"), [(b" \n", "a is empty"), (b"\x89PNG", "a: neither HAR, JSON Lines")])
def test_other_files_are_refused(start, problem):
    with pytest.raises(BadTrafficFile, match=problem):
        detect_format(start, "a")


def test_a_compressed_file_is_read_like_any_other(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(LINE * 3))
    assert [request.target for request in read_traffic_file(str(path))] == ["/a"] * 3


def test_a_compressed_file_that_is_cut_off_gives_what_it_has_and_then_says_so(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(LINE * 10_000)[:-6])
    requests = read_traffic_file(str(path))
    assert next(requests).target == "/a"
    with pytest.raises(BadTrafficFile, match="its gzip data is cut off or damaged"):
        list(requests)


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(BadTrafficFile, match=f"{tmp_path}/none: No such file or directory"):
        next(read_traffic_file(str(tmp_path / "none")))
    with pytest.raises(BadTrafficFile, match=f"{tmp_path}: Is a directory"):
        next(read_traffic_file(str(tmp_path)))


def test_a_file_is_told_from_others_by_its_content_not_its_name(tmp_path):
    ids = []
    for name, content in (("a", LINE), ("b", LINE), ("c", LINE * 2)):
        (tmp_path / name).write_bytes(content)
        ids.append(identify_file(str(tmp_path / name)))
    assert ids[0] == ids[1] != ids[2] and identify_file("-") == ""
