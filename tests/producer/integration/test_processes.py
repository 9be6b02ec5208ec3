"""The hook and the life of a process: forks, exits, and exits without Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.support.hook import Launch, assert_balanced

PRELUDE = """
import os, sys, time
from wsgiref.util import setup_testing_defaults
from darklaunch import WSGICaptureMiddleware

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]

app = WSGICaptureMiddleware(app)

def ask(times):
    for _ in range(times):
        environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/orders/7"}
        setup_testing_defaults(environ)
        assert app(environ, lambda *_: None) == [b"ok"]

def begin():
    ask(1)
    give_up = time.monotonic() + 30
    while not app._recorder.snapshot.sampling_launches and time.monotonic() < give_up:
        time.sleep(0.01)
    assert app._recorder.snapshot.sampling_launches
"""


def run(program: str, redis_url: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + program],
        env={**os.environ, "DARKLAUNCH_REDIS_URL": redis_url, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def ended(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate("", timeout=120)
    assert process.returncode == 0, err
    assert "Traceback" not in err, err
    return out


@pytest.fixture
def launch(valkey) -> Launch:
    return Launch(valkey.url, "lives").publish()


def test_an_exit_right_after_the_last_request_loses_nothing(launch, valkey) -> None:
    ended(run("begin(); ask(150)", valkey.url))
    (counters,) = launch.counters()
    assert (counters.sampled, counters.seq, counters.closed) == (150, 150, True)
    assert_balanced(launch)


def test_a_fork_leaves_the_parents_exchanges_to_the_parent_and_starts_books_of_its_own(launch, valkey) -> None:
    program = """
begin()
ask(50)
child = os.fork()
if child == 0:
    begin()
    ask(20)
    sys.exit()
os.waitpid(child, 0)
ask(10)
"""
    ended(run(program, valkey.url))
    assert sorted(counters.sampled for counters in launch.counters()) == [20, 60]
    assert all(counters.closed for counters in launch.counters())
    assert_balanced(launch)
    assert len(launch.exchanges()) == 80


def test_the_background_thread_imports_nothing(launch, valkey) -> None:
    """A fork while it does would leave the child with a half imported module that no thread completes."""
    program = """
before = set(sys.modules)
begin()
ask(50)
app._recorder.stop(for_good=True)
print(*set(sys.modules) - before)
"""
    assert ended(run(program, valkey.url)) == "\n"


def test_a_child_that_only_goes_away_disturbs_nothing(launch, valkey) -> None:
    program = """
begin()
for _ in range(5):
    ask(20)
    child = os.fork()
    if child == 0:
        sys.exit()
    os.waitpid(child, 0)
"""
    ended(run(program, valkey.url))
    (counters,) = launch.counters()
    assert (counters.sampled, counters.seq, dict(counters.dropped)) == (100, 100, {})
    assert_balanced(launch)


def test_an_exit_without_redis_does_not_hang(launch, valkey) -> None:
    process = run("begin(); print('on', flush=True); sys.stdin.readline(); ask(150)", valkey.url)
    assert read_line(process) == "on\n"
    os.kill(valkey.process.pid, signal.SIGSTOP)
    try:
        ended(process)  # while Redis is still stopped
    finally:
        os.kill(valkey.process.pid, signal.SIGCONT)


def test_a_fork_with_a_full_buffer_leaves_it_to_the_parent(launch, valkey) -> None:
    """Redis is stopped, the buffer full; the child starts empty, both end in time, and every exchange is counted."""
    program = """
begin(); ask(20); print('on', flush=True); sys.stdin.readline()
ask(40)
child = os.fork()
if child == 0:
    assert len(app._recorder.buffer) == 0 and app._recorder.buffer.used_bytes == 0
    ask(40)
    began = time.monotonic()
    app._recorder.stop(for_good=True)
    assert time.monotonic() - began < 30
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0
began = time.monotonic()
app._recorder.stop(for_good=True)
assert time.monotonic() - began < 30
print(app._recorder.buffer.used_bytes)
"""
    environment = {"DARKLAUNCH_BUFFER_ENTRIES": "30"}
    process = run(program, valkey.url, **environment)
    assert read_line(process) == "on\n"
    os.kill(valkey.process.pid, signal.SIGSTOP)
    try:
        ended(process)
    finally:
        os.kill(valkey.process.pid, signal.SIGCONT)


def test_memory_is_bounded_while_redis_is_stopped(launch, valkey) -> None:
    """100 MB are offered in bodies; the process grows by its buffer and little more."""
    program = """
import resource
def memory():
    return int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize()
body = os.urandom(20_000)
def large(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [bytes(bytearray(body))]
inner = app.app
begin(); ask(20); print('on', flush=True); sys.stdin.readline()
app.app = large
def load(times):
    for _ in range(times):
        environ = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/orders/7"}
        setup_testing_defaults(environ)
        assert len(app(environ, lambda *_: None)[0]) == 20_000
before = memory()
load(5_000)
print(memory() - before)
os._exit(0)
"""
    process = run(program, valkey.url, DARKLAUNCH_BUFFER_BYTES=str(8 * 2**20))
    assert read_line(process) == "on\n"
    os.kill(valkey.process.pid, signal.SIGSTOP)
    try:
        grown = int(ended(process))
    finally:
        os.kill(valkey.process.pid, signal.SIGCONT)
    assert grown < 3 * 8 * 2**20, f"{grown:,} bytes"


def test_kill_9_loses_at_most_what_was_not_written(launch, valkey) -> None:
    program = "begin(); ask(100); time.sleep(0.5); print('on', flush=True); ask(100); os.kill(os.getpid(), 9)"
    process = run(program, valkey.url)
    process.communicate(timeout=60)
    ids = [exchange.id for exchange in launch.exchanges()]
    assert len(ids) == len(set(ids)) >= 100
    assert {int(id_.partition(":")[2]) for id_ in ids} == set(range(1, len(ids) + 1))
