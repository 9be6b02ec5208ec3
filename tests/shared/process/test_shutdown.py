"""How a service ends: at the first signal in good order, at the second at once, and with its parent."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

SERVICE = """
import asyncio, logging, os, sys
from darklaunch_shared.process.shutdown import run_service
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
async def serve(stop):
    print("ready", os.getpid(), flush=True)
    await stop.wait()
    await asyncio.sleep(float(sys.argv[1]))
    print("ended in order", flush=True)
sys.exit(run_service(serve, parent=int(sys.argv[2]), log=logging.getLogger(), last_work="finishing"))
"""


@contextmanager
def service(*, last_work_s: float) -> Iterator[Popen[str]]:
    with Popen([sys.executable, "-c", SERVICE, str(last_work_s), "0"], stdout=PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("ready")
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_ends_a_service_in_good_order(number: signal.Signals) -> None:
    with service(last_work_s=0.1) as process:
        process.send_signal(number)
        assert process.wait(30) == 0
        assert process.stdout is not None
        assert process.stdout.read() == "stopping: finishing\nended in order\n"


def test_the_second_signal_ends_a_service_at_once() -> None:
    with service(last_work_s=60) as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline() == "stopping: finishing\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM


def test_a_service_ends_when_its_parent_is_gone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = tmp_path / "service.py"
    script.write_text(SERVICE)
    shell = f"{sys.executable} {script} 0 $$ > {log} & wait"
    parent = Popen(["/bin/sh", "-c", shell], env=dict(os.environ))
    wait_for(log, "ready")
    parent.kill()
    parent.wait()
    wait_for(log, "the parent process is gone: stopping\nended in order\n")


def wait_for(log: Path, text: str) -> None:
    give_up_s = time.monotonic() + 30
    while not log.exists() or text not in log.read_text():
        assert time.monotonic() < give_up_s
        time.sleep(0.05)
