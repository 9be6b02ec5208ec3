import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import httpx
import psycopg
import pytest
from darklaunch_shared import keys
from darklaunch_shared.redis.presence import read_alive
from darklaunch_shared.wire.dead_letter import pack_dead_letter, pack_dead_notice
from darklaunch_shared.wire.fields import pair_fields

from tests.support.cli import Cli, closed_port, exchange, fields, http_server, redis_client
from tests.support.embedded import reachable_directory
from tests.support.pack_exchange import pack_exchange

PATIENCE_S = 60


@pytest.fixture
def alone(own_valkey, own_postgres_dsn, tmp_path):
    return Cli(own_valkey.url, own_postgres_dsn, str(tmp_path))


@pytest.fixture
def home():
    with reachable_directory() as path:
        yield path


@contextlib.contextmanager
def running(cli, *arguments):
    """Run a long-running command; its stdout and stderr come on one pipe. It must be gone at the end."""
    options = {**cli.process(*arguments), "stderr": subprocess.STDOUT, "start_new_session": True}
    with subprocess.Popen(**options) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def heard(process, wanted):
    """Read lines until one contains a text; give all that was read."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if wanted in line:
            return lines
    raise AssertionError(f"{wanted!r} was not said: {''.join(lines)}")


def eventually(true):
    until = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def alive(redis, registry):
    stored = pair_fields(redis.execute_command("HGETALL", registry))
    seconds, _ = redis.execute_command("TIME")
    return read_alive(stored, int(seconds) * 1000)


def bury(redis, launch, number):
    """Leave a dead letter, and its notice to the comparator, as a worker does."""
    own = pack_exchange(exchange(launch, number, at_ms=time.time_ns() // 1_000_000))
    dead = pack_dead_letter(own, "delivered 5 times without an outcome", "workers", 5, 1)
    for stream, entry in (keys.dead(launch), dead), (keys.replays(launch), pack_dead_notice(own, "1-1", launch)):
        redis.execute_command("XADD", stream, "*", *(part for pair in entry.items() for part in pair))
    redis.execute_command("HSET", keys.admitted(launch), "p1", number)


def test_the_parts_work_together(alone):
    """An exchange on the stream, a worker, a shadow, a comparator: the ledger says what became of it."""
    with (
        http_server() as shadow,
        running(alone, "worker", "--concurrency", "4", "--name", "w1") as worker,
        running(alone, "comparator") as comparator,
        redis_client(alone.redis_url) as redis,
    ):
        (*_, line) = heard(worker, "replaying what")
        assert " w1 INFO replaying what Redis at 127.0.0.1:" in line
        assert "1 process, 4 slots each" in line
        alone.ok("start", "together", "--shadow", shadow.url)
        captured = fields("together", 1, at_ms=time.time_ns() // 1_000_000)
        redis.execute_command("XADD", keys.captures("together"), "*", *captured)
        assert alone.json("drain", "together", "--timeout", "60s")["drained"]
        told = alone.json("audit", "together", "--strict")
        assert (told["settled"], told["outcomes"]["mismatched"]) == (1, 1)
        bury(redis, "together", 2)
        eventually(lambda: alone.json("audit", "together")["outcomes"]["dead"] == 1)
        assert alone.json("dead", "retry", "together", "p1:2")["retried"] == ["p1:2"]
        assert alone.json("drain", "together")["drained"]
        told = alone.json("audit", "together", "--strict")
        assert (told["outcomes"]["dead"], told["outcomes"]["mismatched"]) == (0, 2)
        for process, registry in ((worker, keys.WORKERS), (comparator, keys.COMPARATORS)):
            assert alive(redis, registry)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0
            assert not alive(redis, registry)


def test_a_redis_that_evicts_is_refused_at_the_start(alone):
    with redis_client(alone.redis_url) as redis:
        redis.execute_command("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    for part in ("worker", "comparator"):
        done = subprocess.run(**alone.process(part), timeout=PATIENCE_S)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert "evicts whole streams when it is full (maxmemory-policy allkeys-lfu)." in line
        assert "redis-cli CONFIG SET maxmemory-policy noeviction" in line


def test_a_worker_waits_for_a_redis_that_is_not_there_yet(tmp_path):
    away = Cli(f"redis://127.0.0.1:{closed_port()}", None, str(tmp_path))
    with running(away, "worker") as worker:
        heard(worker, "refused the connection (REDIS_URL)")
        heard(worker, "trying again until it does")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE_S) == 0


def test_a_worker_does_not_wait_for_a_wrong_password_to_become_right(redis_url, tmp_path):
    wrong = Cli(redis_url.replace("@", "x@"), None, str(tmp_path))
    done = subprocess.run(**wrong.process("worker"), timeout=PATIENCE_S)
    assert done.returncode == 3
    assert "refused the user or password (REDIS_URL)" in done.stderr


@pytest.mark.parametrize("option", [["--concurrency", "0"], ["--processes", "-1"], ["--client", "curl"]])
def test_a_bad_worker_option_is_named(tmp_path, option):
    line = Cli(None, None, str(tmp_path)).error("worker", *option, code=2)
    assert option[0].strip("-") in line


def test_a_database_is_refused_until_it_is_migrated(redis_url, empty_postgres_dsn, tmp_path):
    bare = Cli(redis_url, empty_postgres_dsn, str(tmp_path))
    done = subprocess.run(**bare.process("comparator"), timeout=PATIENCE_S)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].endswith("Run: darklaunch migrate.")
    assert "has the tables of this release: applied 0001_schema." in bare.ok("migrate")
    assert bare.ok("migrate").endswith("has the tables of this release already.\n")
    assert bare.json("migrate") == {"applied": []}
    with psycopg.connect(empty_postgres_dsn) as connection:
        connection.execute("UPDATE darklaunch.migration SET checksum = 'x' WHERE version = 1")
    line = bare.error("migrate", code=3)
    assert "Migration 0001_schema was applied to this database with other contents" in line


def children(pid):
    """Return the pids of a process's children."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def named(pid, word):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return word.encode() in file.read().split(b"\0")


def shows(address, text):
    """True if a page is served and has a text in it."""
    try:
        return text in httpx.get(address, timeout=30).text
    except httpx.TransportError:
        return False


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="looks for children in /proc")
def test_up_runs_everything_restarts_what_dies_and_keeps_the_data(home):
    """One command brings servers, tables, worker and comparator; a second terminal finds them; Ctrl-C ends all."""
    user = Cli(None, None, str(home))
    with running(user, "up", "--workers", "1") as up:
        said = heard(up, "Next, in another terminal")
        assert any(line.startswith("darklaunch is up: 1 worker and 1 comparator, Redis at 127.0.0.1:") for line in said)
        (exported,) = [line for line in said if "export DARKLAUNCH_REDIS_URL=redis://:" in line]
        redis_url = exported.strip().partition("=")[2]
        look = "  darklaunch redis-cli XLEN '{dl:NAME:0}:captures'"
        assert look in [line.rstrip() for line in said]
        user.ok("start", "kept", "--shadow", f"http://127.0.0.1:{closed_port()}")
        assert user.json("backlog")["workers"] == 1
        (page,) = [
            line.split()[-1] for line in said if line.startswith("To look at it in a browser: http://127.0.0.1:")
        ]
        eventually(lambda: shows(page, "kept"))
        line = user.error("up", code=1)
        assert "is in use by another run (pid " in line
        (worker,) = [child for child in children(up.pid) if named(child, "worker")]
        os.kill(worker, signal.SIGKILL)
        heard(up, "worker-1 ended with code -9; starting it again in")
        eventually(lambda: [child for child in children(up.pid) if named(child, "worker")] not in ([], [worker]))
        with redis_client(redis_url) as redis:
            captured = fields("kept", 1, at_ms=time.time_ns() // 1_000_000)
            redis.execute_command("XADD", keys.captures("kept"), "*", *captured)
        up.send_signal(signal.SIGINT)
        told = heard(up, "Stopped.")
        assert any("Stopping: exchanges in progress are finished first." in line for line in told)
        assert up.wait(PATIENCE_S) == 0
    assert user.error("list", code=3).startswith("Error: no Postgres is named.")
    with running(user, "up", "--workers", "1", "--drain", "1s") as again:
        heard(again, "Next, in another terminal")
        assert user.json("audit", "kept", "--strict")["outcomes"]["shadow_error"] == 1
        again.send_signal(signal.SIGTERM)
        heard(again, "Stopped.")
        assert again.wait(PATIENCE_S) == 0


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="looks for children in /proc")
def test_up_starts_a_server_that_died_again_with_its_data_but_not_twice_in_a_minute(home):
    user = Cli(None, None, str(home))
    with running(user, "up", "--workers", "1") as up:
        heard(up, "Next, in another terminal")
        user.ok("start", "kept", "--shadow", f"http://127.0.0.1:{closed_port()}")
        os.kill(server_process(up.pid, "valkey-server"), signal.SIGKILL)
        heard(up, "Valkey ended with code -9; starting it again, with its data")
        eventually(lambda: user.run("backlog", "--json").exit_code == 0)
        assert [row["launch"] for row in user.json("backlog")["launches"]] == ["kept"]
        os.kill(server_process(up.pid, "postgres"), signal.SIGKILL)
        heard(up, "Postgres ended with code -9; starting it again, with its data")
        eventually(lambda: user.run("list").exit_code == 0)
        assert user.json("list")[0]["launch"] == "kept"
        os.kill(server_process(up.pid, "valkey-server"), signal.SIGKILL)
        (*_, last) = heard(up, "Valkey ended twice within a minute, the last time with code -9. Its log, ")
        assert last.startswith("Error: ")
        assert up.wait(PATIENCE_S) == 1


def server_process(parent, program):
    def is_server(pid):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return program.encode() in file.read().split(b"\0")[0]  # Valkey adds its address to its name

    tasks = os.listdir(f"/proc/{parent}/task")  # a thread of its own starts the servers
    lists = [Path(f"/proc/{parent}/task/{task}/children").read_text() for task in tasks]
    started = [int(pid) for pids in lists for pid in pids.split()]
    (pid,) = [child for child in started if is_server(child)]
    return pid
