"""`is_promoted`: in processes with and without a hook, while Redis is there, away and gone, and after a fork."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from tests.support.hook import Launch, eventually, free_port, serving, uvicorn

WATCHING = """
import sys, time
from darklaunch import is_promoted
print(is_promoted("checkout"), flush=True)
for line in sys.stdin:
    was, give_up = line.strip() == "True", time.monotonic() + 60
    began = time.monotonic()
    while is_promoted("checkout") is not was and time.monotonic() < give_up:
        time.sleep(0.01)
    print(is_promoted("checkout"), time.monotonic() - began < 20, flush=True)
"""


class Process:
    """A program without any hook, as a cron job is."""

    def __init__(self, program: str, redis_url: str = "", **environment: str) -> None:
        given = {name: value for name, value in os.environ.items() if not name.startswith("DARKLAUNCH_")}
        given |= {"DARKLAUNCH_REDIS_URL": redis_url} if redis_url else {}
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            env=given | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def write(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def expect(self, promoted: bool) -> str:
        """Make it wait until is_promoted returns this; return what it returns, and whether that took under 20 s."""
        self.write(str(promoted))
        return self.read()

    def end(self) -> tuple[str, str]:
        out, err = self.process.communicate("", timeout=120)
        assert self.process.returncode == 0, err
        return out, err


def ran(program: str, redis_url: str = "", **environment: str) -> list[str]:
    out, err = Process(program, redis_url, **environment).end()
    assert "Traceback" not in err, err
    return out.splitlines()


def test_without_a_hook_the_first_call_knows_and_later_ones_follow(valkey) -> None:
    launch = Launch(valkey.url, "checkout").publish()
    job = Process(WATCHING, valkey.url)
    assert job.read() == "False"
    launch.publish("promoted")
    assert job.expect(True) == "True True"
    launch.publish("rolled_back")
    assert job.expect(False) == "False True"
    launch.publish("promoted")
    assert job.expect(True) == "True True"
    launch.hold()
    assert job.expect(False) == "False True", "the emergency stop, typed into redis-cli"
    job.end()


def test_an_outage_switches_nothing(valkey) -> None:
    launch = Launch(valkey.url, "checkout").publish("promoted")
    job = Process(WATCHING, valkey.url)
    assert job.read() == "True"
    os.kill(valkey.process.pid, signal.SIGSTOP)
    try:
        time.sleep(2.5)  # longer than Redis may take to reply
        assert job.expect(True).startswith("True")
    finally:
        os.kill(valkey.process.pid, signal.SIGCONT)
    launch.redis.execute_command("FLUSHALL")
    time.sleep(1.2)
    assert job.expect(True).startswith("True"), "what Redis lost was not taken back by anybody"
    launch.publish("rolled_back")
    assert job.expect(False).startswith("False")
    assert job.end()[1].count("is_promoted stays as it was") == 1


def test_a_process_that_starts_while_redis_is_away_runs_the_old_code_and_waits_a_second_at_most() -> None:
    program = """
import time
from darklaunch import is_promoted
began = time.monotonic()
answers = [is_promoted("checkout") for _ in range(1000)]
print(any(answers), time.monotonic() - began < 20)
"""
    assert ran(program, f"redis://127.0.0.1:{free_port()}/0") == ["False True"]


def test_a_damaged_launch_and_a_wrong_url_are_not_promoted(valkey) -> None:
    launch = Launch(valkey.url, "checkout").publish("promoted")
    launch.redis.execute_command("HSET", "dl:launch:checkout", "percent", "lots")
    once = "from darklaunch import is_promoted; print(is_promoted('checkout'))"
    assert ran(once, valkey.url) == ["False"]
    out, err = Process(once, "htp://nowhere").end()
    assert out == "False\n"
    assert err.startswith("darklaunch cannot read launches, is_promoted is always False: redis_url")
    assert len(err.splitlines()) == 1


def test_without_any_setting_it_is_false_and_the_log_says_why_once() -> None:
    out, err = Process("from darklaunch import is_promoted; print(is_promoted('a'), is_promoted('a'))").end()
    assert out == "False False\n"
    assert err.count("DARKLAUNCH_PROMOTED") == 1


def test_a_shadow_runs_the_new_code_by_its_environment(valkey) -> None:
    Launch(valkey.url, "checkout").publish("rolled_back")
    once = "from darklaunch import is_promoted; print(is_promoted('checkout'), is_promoted('search'))"
    assert ran(once, DARKLAUNCH_PROMOTED="checkout") == ["True False"]
    assert ran(once, valkey.url, DARKLAUNCH_PROMOTED="checkout, other") == ["True False"]
    hooked = "from darklaunch import CaptureMiddleware; CaptureMiddleware(lambda *_: None, promoted=['checkout']); "
    hooked += once
    assert ran(hooked) == ["True False"]


def test_a_forked_child_follows_for_itself(valkey) -> None:
    launch = Launch(valkey.url, "checkout").publish("promoted")
    program = """
import os, sys, time
from darklaunch import is_promoted
assert is_promoted("checkout")
child = os.fork()
if child == 0:
    print(is_promoted("checkout"), flush=True)
    sys.stdin.readline()
    give_up = time.monotonic() + 60
    while is_promoted("checkout") and time.monotonic() < give_up:
        time.sleep(0.01)
    print(is_promoted("checkout"), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
    job = Process(program, valkey.url)
    assert job.read() == "True"
    launch.publish("rolled_back")
    job.write("")
    assert job.read() == "False"
    job.end()


def test_with_a_hook_its_thread_reads_the_launches(valkey) -> None:
    """No second thread, no traffic; and in an event loop no call waits."""
    Launch(valkey.url, "checkout").publish("promoted")
    program = """
import asyncio, threading
from darklaunch import CaptureMiddleware, is_promoted
from darklaunch.delivery.known_promotions import KnownPromotions
app = CaptureMiddleware(lambda scope, receive, send: None)
waits = []
KnownPromotions.wait_for_first_read = lambda *args: waits.append(args)
async def main():
    for _ in range(1000):
        if is_promoted("checkout"):
            break
        await asyncio.sleep(0.01)
    return is_promoted("checkout"), waits
print(*asyncio.run(main()), sorted(thread.name for thread in threading.enumerate() if "darklaunch" in thread.name))
"""
    assert ran(program, valkey.url) == ["True [] ['darklaunch']"]


def test_in_a_server_the_flag_is_known_before_the_first_request(valkey, tmp_path) -> None:
    launch = Launch(valkey.url, "checkout").publish("promoted")
    with serving(uvicorn("flag_app:app"), tmp_path / "log", {"DARKLAUNCH_REDIS_URL": valkey.url}) as served:
        assert eventually(lambda: served.get("/").endswith(b"new")), served.log()
        launch.publish("rolled_back")
        assert eventually(lambda: served.get("/").endswith(b"old")), served.log()
