"""HAR files as browsers and proxies write them."""

import io
import json

import pytest
from darklaunch_console.traffic_files.har import read_har
from darklaunch_console.traffic_files.recorded import BadTrafficFile


def har(*entries):
    return io.BytesIO(json.dumps({"log": {"version": "1.2", "entries": list(entries)}}).encode())


def entry(request=None, response=None, **fields):
    return {
        "startedDateTime": "2026-11-30T12:00:00.500Z",
        "time": 12.5,
        "request": {"method": "get", "url": "https://shop.example/a?b=%20c#top", "headers": [], **(request or {})},
        "response": {
            "status": 200,
            "headers": [{"name": "Content-Type", "value": "text/plain"}],
            "content": {"text": "hé"},
            **(response or {}),
        },
        **fields,
    }


def test_an_entry_is_read_with_its_response_and_time():
    (request,) = read_har(har(entry()), "a.har")
    assert (request.method, request.origin, request.target) == ("GET", "https://shop.example", "/a?b=%20c")
    assert (request.at_s, request.place) == (1796040000.5, "a.har, entry 1")
    assert request.response is not None
    assert (request.response.status, request.response.body) == (200, "hé".encode())
    assert (request.response.headers, request.response.latency_ms) == ((("content-type", "text/plain"),), 12.5)


def test_what_describes_the_bytes_on_the_wire_is_left_out_as_the_body_is_decoded():
    coded = [
        {"name": name, "value": "x"} for name in ("Content-Encoding", "Content-Length", "Transfer-Encoding", "ETag")
    ]
    (request,) = read_har(har(entry(response={"headers": coded})), "a.har")
    assert request.response is not None and request.response.headers == (("etag", "x"),)


def test_fields_of_http2_that_are_no_headers_are_left_out():
    pseudo = [{"name": ":authority", "value": "shop.example"}, {"name": "Accept", "value": "*/*"}]
    (request,) = read_har(har(entry({"headers": pseudo})), "a.har")
    assert request.headers == (("accept", "*/*"),)


@pytest.mark.parametrize(
    ("data", "body"),
    [
        ({"text": '{"a":1}'}, b'{"a":1}'),
        ({"text": "AAH/", "encoding": "base64"}, b"\0\1\xff"),
        ({"params": [{"name": "a", "value": "1 2"}, {"name": "b", "value": "é"}]}, b"a=1+2&b=%C3%A9"),
    ],
)
def test_a_body_is_read_in_each_of_its_forms(data, body):
    (request,) = read_har(har(entry({"method": "POST", "postData": data})), "a.har")
    assert request.body == body


@pytest.mark.parametrize(
    "response", [{"status": 0}, {"status": -1}, {"content": {"size": 200}}, {"content": {"size": 9, "text": ""}}]
)
def test_a_response_that_is_not_in_the_file_is_none(response):
    (request,) = read_har(har(entry(response=response)), "a.har")
    assert request.response is None


def test_a_response_without_content_is_a_response():
    (request,) = read_har(har(entry(response={"status": 204, "content": {"size": 0}})), "a.har")
    assert request.response is not None and (request.response.status, request.response.body) == (204, b"")


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (entry({"url": "data:text/plain,x"}), "request.url: 'data:text/plain,x' is not an http or https URL"),
        (entry({"url": "http://[::1"}), "request.url: 'http://[::1' is no URL (Invalid IPv6 URL)"),
        (entry({"method": ""}), "request.method is missing"),
        (entry({"headers": None}), "request.headers is no list"),
        (entry({"headers": [{"name": "a"}]}), "request.headers: names and values must be text, got 'a': None"),
        (entry({"postData": {"text": "!", "encoding": "base64"}}), "request.postData.text is not base64"),
        (entry(response={"status": 42}), "response.status: a status from 100 to 999 is wanted, not 42"),
        (entry(startedDateTime="monday"), "startedDateTime: 'monday' is no ISO 8601 time"),
        (entry(time="soon"), "time: milliseconds from 0 to one day are wanted, not 'soon'"),
        ({"request": 1}, "request is no object"),
    ],
)
def test_a_bad_entry_is_named_with_its_field(bad, problem):
    requests = read_har(har(entry(), bad), "a.har")
    next(requests)
    with pytest.raises(BadTrafficFile) as raised:
        next(requests)
    assert str(raised.value).startswith(f"a.har, entry 2: {problem}")


def test_a_file_that_is_cut_off_gives_what_it_has_and_then_says_so():
    whole = har(entry(), entry()).getvalue()
    requests = read_har(io.BytesIO(whole[: len(whole) - 40]), "a.har")
    next(requests)
    with pytest.raises(BadTrafficFile, match=r"a\.har: not the JSON of a HAR file after entry 1"):
        next(requests)


def test_a_file_with_nothing_in_it_says_so():
    with pytest.raises(BadTrafficFile, match=r"a\.har: there is nothing at log\.entries"):
        list(read_har(io.BytesIO(b'{"log": {}}'), "a.har"))
