"""`import`: traffic files are mirrored through the hook's own capture and numbers, each request once."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Thread

import pytest
from darklaunch_console.traffic_files.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from darklaunch_console.traffic_files.traffic_file import identify_file
from darklaunch_shared import keys
from darklaunch_shared.wire.exchange import unpack_exchange
from darklaunch_shared.wire.fields import pair_fields
from darklaunch_shared.wire.producer_counters import unpack_counters


@pytest.fixture
def recorded(cli, launch_name, nowhere):
    """A launch for traffic files."""
    cli.ok("start", launch_name, "--recorded", "--shadow", nowhere)
    return launch_name


def write_lines(path, requests):
    path.write_text("".join(json.dumps(request) + "\n" for request in requests))
    return str(path)


def make_request(number, method="GET", host="shop.example", response=True):
    answer = {"status": 200, "headers": {"content-type": "text/plain"}, "body": f"{number}", "latency_ms": 7.5}
    request = {"method": method, "url": f"http://{host}/orders/{number}", "headers": {"authorization": "secret"}}
    return {**request, "response": answer} if response else request


def read_exchanges(redis, launch):
    entries = redis.execute_command("XRANGE", keys.captures(launch), "-", "+")
    return [unpack_exchange(pair_fields(fields)) for _, fields in entries]


def read_counters(redis, launch):
    stored = pair_fields(redis.execute_command("HGETALL", keys.producers(launch)))
    return [unpack_counters(packed) for packed in stored.values()]


@pytest.fixture
def primary():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = f"primary {self.path}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_requests_are_mirrored_as_the_hook_captures_them(cli, redis, recorded, tmp_path):
    requests = [make_request(1), make_request(2, "POST"), make_request(3, host="cdn.example"), make_request(4)]
    printed = cli.ok("import", recorded, write_lines(tmp_path / "a.jsonl", requests))
    assert printed.startswith(f"2 requests of {tmp_path}/a.jsonl mirrored to {recorded}.\n")
    assert "Left out: 1 to another origin, 1 writes that the launch does not allow (--allow)." in " ".join(
        printed.split()
    )
    first, second = read_exchanges(redis, recorded)
    assert (first.endpoint, second.request.target) == ("GET /orders/{id}", "/orders/4")
    assert (first.request.origin, first.primary.body) == ("http://shop.example", b"1")
    assert first.primary.latency_ms == pytest.approx(7.5, abs=5)
    assert "secret" not in str(first.request.headers) and first.redacted == ("authorization",)
    (counters,) = read_counters(redis, recorded)
    assert (counters.sampled, counters.seq, counters.closed) == (2, 2, True)
    assert counters.skipped == {"unsafe_method": 1}


def test_a_file_is_imported_once_unless_it_is_asked_for_again(cli, redis, recorded, tmp_path):
    path = write_lines(tmp_path / "a.jsonl", [make_request(1)])
    cli.ok("import", recorded, path)
    assert "was imported into" in cli.ok("import", recorded, path)
    assert len(read_exchanges(redis, recorded)) == 1
    cli.ok("import", recorded, path, "--again")
    assert len(read_exchanges(redis, recorded)) == 2


def test_an_import_that_was_killed_goes_on_and_nothing_is_written_twice(cli, redis, recorded, tmp_path):
    requests = [make_request(number, "GET" if number % 3 else "PUT") for number in range(90)]
    path = write_lines(tmp_path / "a.jsonl", requests)
    cli.ok("import", recorded, path, "--limit", "40")
    file_id = identify_file(path)
    producer = read_checkpoint(redis, recorded, file_id).producer
    assert len(read_exchanges(redis, recorded)) == 26
    # As kill -9 leaves it after a chunk was written and before its checkpoint was.
    save_checkpoint(redis, recorded, file_id, Checkpoint(producer=producer, started_ms=1))
    assert cli.ok("import", recorded, path).startswith(f"60 requests of {path}")
    exchanges = read_exchanges(redis, recorded)
    targets = [f"/orders/{number}" for number in range(90) if number % 3]
    assert [exchange.request.target for exchange in exchanges] == targets
    assert [exchange.id for exchange in exchanges] == [f"{producer}:{seq}" for seq in range(1, 61)]
    (counters,) = read_counters(redis, recorded)
    assert (counters.sampled, counters.seq, counters.skipped) == (60, 60, {"unsafe_method": 30})


def test_the_primary_is_asked_for_what_was_not_recorded(cli, redis, recorded, primary, tmp_path):
    path = tmp_path / "access.log"
    line = 'a - - [30/Nov/2026:12:00:00 +0000] "{} /items/{} HTTP/1.1" 200 5 "-" "-"\n'
    path.write_text("".join(line.format(method, number) for number, method in enumerate(("GET", "DELETE", "GET"))))
    assert cli.error("import", recorded, str(path), code=1) == (
        f"Error: {path}, line 1: no response was recorded. Name the primary, which is then asked for it: --primary URL."
    )
    printed = cli.ok("import", recorded, str(path), "--primary", primary)
    assert printed.startswith("2 requests of") and "1 without a response" in printed
    exchanges = read_exchanges(redis, recorded)
    assert [exchange.primary.body for exchange in exchanges] == [b"primary /items/0", b"primary /items/2"]


def test_a_primary_that_does_not_respond_is_said(cli, redis, recorded, nowhere, tmp_path):
    path = write_lines(tmp_path / "a.jsonl", [make_request(1, response=False)])
    result = cli.run("import", recorded, path, "--primary", nowhere.replace("127.0.0.1", "localhost"))
    assert result.exit_code == 0 and "0 requests" in result.stdout
    assert "the primary gave no response to 1: refused" in result.stderr


def test_recorded_traffic_is_not_mixed_with_live(cli, launched, tmp_path):
    path = write_lines(tmp_path / "a.jsonl", [make_request(1)])
    assert cli.error("import", launched, path, code=1).startswith(
        f"Error: {launched} mirrors live traffic, and a verdict must not mix it with recorded requests."
    )


def test_a_dry_run_shows_what_the_file_holds_and_sends_nothing(cli, redis, recorded, tmp_path):
    path = write_lines(tmp_path / "a.jsonl", [make_request(1), make_request(2, host="cdn.example", response=False)])
    printed = cli.ok("import", recorded, path, "--dry-run")
    assert printed.splitlines()[0] == f"{path} holds 2 requests."
    assert "  GET /orders/1 → 200" in printed.splitlines() and "  GET /orders/2" in printed.splitlines()
    assert read_exchanges(redis, recorded) == []


def test_the_recorded_spacing_is_kept_when_a_speed_is_given(cli, redis, recorded, tmp_path):
    spaced = [{**make_request(number), "at": 1_000 + 30 * number} for number in range(3)]
    cli.ok("import", recorded, write_lines(tmp_path / "a.jsonl", spaced), "--speed", "100x")
    at_ms = [exchange.captured_at_ms for exchange in read_exchanges(redis, recorded)]
    assert all(later - earlier >= 290 for earlier, later in pairwise(at_ms))


@pytest.mark.parametrize("speed", ["fast", "0x", "2000x", "10"])
def test_a_speed_that_is_none_is_refused(cli, recorded, speed):
    assert f"'{speed}' is no speed: write max, 1x, 10x or 50%" in cli.error(
        "import", recorded, "a", "--speed", speed, code=2
    )


def test_a_launch_for_recordings_says_so_and_waives_latency(cli, launch_name, nowhere):
    printed = cli.ok("start", launch_name, "--recorded", "--shadow", nowhere)
    assert "100 % of the GET, HEAD and OPTIONS requests of recorded traffic are mirrored" in " ".join(printed.split())
    assert printed.splitlines()[-1].strip() == f"Next: darklaunch import {launch_name} FILE"
    assert "recorded traffic: it was measured elsewhere" in cli.json("show", launch_name)["spec"]["policy"]
    for option in (("--percent", "5"), ("--ramp", "auto"), ("--app", "shop"), ("--sticky", "client")):
        refused = cli.error("start", f"{launch_name}-b", "--recorded", "--shadow", nowhere, *option, code=2)
        assert refused.startswith("Error: --recorded mirrors traffic files whole: leave ")
