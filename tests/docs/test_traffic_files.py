"""The line of JSON Lines that docs/TRAFFIC_FILES.md shows is one."""

import io

from darklaunch_console.traffic_files.json_lines import read_json_lines

from .page import page


def test_the_documented_line_is_read():
    (line,) = [line.strip() for line in page("docs/TRAFFIC_FILES.md").splitlines() if line.startswith('    {"method"')]
    (request,) = read_json_lines(io.BytesIO(line.encode()), "page")
    assert (request.target, request.at_s) == ("/orders/7", 1796040000.0)
    assert request.response is not None and request.response.body == b'{"id": 7}'
