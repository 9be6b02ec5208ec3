"""Access logs of nginx, Apache and Caddy."""

import io

import pytest
from darklaunch_console.traffic_files.access_log import read_access_log
from darklaunch_console.traffic_files.recorded import BadTrafficFile


def read(*lines):
    return list(read_access_log(io.BytesIO("\n".join(lines).encode("latin-1")), "access.log"))


NGINX = '203.0.113.7 - - [30/Nov/2026:12:00:00 +0000] "GET /a?b=%20 HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11) \\"q\\""'
APACHE = '203.0.113.7 - ann [30/Nov/2026:13:00:00 +0100] "POST /b HTTP/2.0" 302 -'
CADDY = '{"ts":1796040000.25,"logger":"http.log.access","request":{"method":"GET","uri":"/c?d=1"},"status":200}'


def test_the_three_formats_are_read():
    requests = read(NGINX, APACHE, CADDY)
    assert [(each.method, each.target, each.at_s) for each in requests] == [
        ("GET", "/a?b=%20", 1796040000.0),
        ("POST", "/b", 1796040000.0),
        ("GET", "/c?d=1", 1796040000.25),
    ]
    assert [each.response for each in requests] == [None] * 3
    assert requests[0].headers == (("user-agent", 'Mozilla/5.0 (X11) \\"q\\"'),) and requests[1].headers == ()
    assert requests[2].place == "access.log, line 3"


@pytest.mark.parametrize("request_line", ["-", "\\x16\\x03\\x01", "CONNECT a:443 HTTP/1.1", "GET http://a/ HTTP/1.1"])
def test_lines_of_what_was_no_request_for_a_path_are_skipped(request_line):
    assert read(f'203.0.113.7 - - [30/Nov/2026:12:00:00 +0000] "{request_line}" 400 150 "-" "-"', "") == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("hello", "not a line of the common or combined log format: 'hello'"),
        ('a - - [noon] "GET / HTTP/1.1" 200 5', "the time 'noon' is not like 30/Nov/2026:12:00:00 +0000"),
        ('{"status": 200}', "a line of Caddy's log has request.method and request.uri, this one has not"),
        ('{"status":', "not JSON"),
    ],
)
def test_a_line_of_another_format_is_named(line, problem):
    with pytest.raises(BadTrafficFile) as raised:
        read(NGINX, line)
    assert str(raised.value).startswith(f"access.log, line 2: {problem}")
