"""Requests as JSON Lines."""

import io

import pytest
from darklaunch_console.traffic_files.json_lines import read_json_lines
from darklaunch_console.traffic_files.recorded import BadTrafficFile


def read(*lines):
    return list(read_json_lines(io.BytesIO("\n".join(lines).encode()), "a.jsonl"))


def test_a_line_is_read_with_its_response():
    (request,) = read(
        '{"method": "post", "url": "http://shop.example:8080/a?b", "headers": {"X-A": "1"}, "body_base64": "AAE=",'
        ' "at": "2026-11-30T12:00:00Z", "response": {"status": 201, "headers": [["a", "1"], ["a", "2"]],'
        ' "body": "ok", "latency_ms": 5}}'
    )
    assert (request.method, request.origin, request.target) == ("POST", "http://shop.example:8080", "/a?b")
    assert (request.headers, request.body, request.at_s) == ((("x-a", "1"),), b"\0\1", 1796040000.0)
    assert request.response is not None
    assert (request.response.status, request.response.body, request.response.latency_ms) == (201, b"ok", 5.0)
    assert request.response.headers == (("a", "1"), ("a", "2"))


def test_a_path_alone_and_no_response_are_enough():
    first, second = read('{"method": "GET", "url": "/a"}', "", '{"method": "GET", "url": "/ä b"}')
    assert (first.origin, first.target, first.response, first.at_s) == ("", "/a", None, None)
    assert (second.target, second.place) == ("/%C3%A4%20b".replace("%C3%A4", "\xc3\xa4"), "a.jsonl, line 3")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "not JSON"),
        ("[]", "the line must be an object, not []"),
        ('{"url": "/"}', "method is missing"),
        ('{"method": "GET"}', "url: a URL is wanted, not None"),
        ('{"method": "GET", "url": "ftp://a/"}', "url: 'ftp://a/' is not an http or https URL"),
        ('{"method": "GET", "url": "/", "header": {}}', "the line has an unknown field 'header'"),
        ('{"method": "GET", "url": "/", "headers": ["a"]}', "headers must be an object, or a list of [name, value]"),
        ('{"method": "GET", "url": "/", "body": {"a": 1}}', "body must be text, not {'a': 1}"),
        ('{"method": "GET", "url": "/", "body": "", "body_base64": ""}', "body and body_base64 exclude each other"),
        ('{"method": "GET", "url": "/", "body_base64": "!"}', "body_base64 is not base64"),
        ('{"method": "GET", "url": "/", "at": "noon"}', "at: 'noon' is neither seconds since 1970 nor"),
        ('{"method": "GET", "url": "/", "response": {"status": "200"}}', "response.status: a status from 100 to 999"),
        (
            '{"method": "GET", "url": "/", "response": {"status": 200, "latency_ms": -1}}',
            "response.latency_ms: milliseconds from 0 to one day are wanted, not -1",
        ),
    ],
)
def test_a_bad_line_is_named_with_its_field(line, problem):
    with pytest.raises(BadTrafficFile) as raised:
        read('{"method": "GET", "url": "/"}', line)
    assert str(raised.value).startswith(f"a.jsonl, line 2: {problem}")
