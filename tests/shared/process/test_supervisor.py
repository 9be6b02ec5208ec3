"""Children that crash, end well, or are told to stop."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest
from darklaunch_shared.process.supervisor import SupervisedProcess, run_children, stop_all


def child(script: str, *, restart_after_success: bool = True) -> SupervisedProcess:
    return SupervisedProcess(
        name="child",
        command=(sys.executable, "-c", script),
        environment={"FROM_PARENT": "yes"},
        restart_after_success=restart_after_success,
    )


def watch_until(true: Callable[[], bool], process: SupervisedProcess) -> None:
    give_up_s = time.monotonic() + 30
    while not true():
        assert time.monotonic() < give_up_s
        process.watch()
        time.sleep(0.02)


def test_a_child_that_crashed_is_started_again_with_a_pause(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    runs = tmp_path / "runs"
    crashing = child(f"import os; open({str(runs)!r}, 'a').write(os.environ['FROM_PARENT'] + ' '); os._exit(3)")
    began_s = time.monotonic()
    watch_until(lambda: runs.exists() and runs.read_text() == "yes yes ", crashing)
    assert time.monotonic() - began_s >= 0.25
    assert "child ended with code 3; starting it again in 0." in caplog.text
    stop_all([crashing], 0)


def test_a_child_that_ended_well_is_left_alone_if_asked() -> None:
    assert run_children([child("pass", restart_after_success=False), child("pass", restart_after_success=False)]) == 0


def test_a_child_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    deaf = child(f"import signal, time; {ignore}; open({str(ready)!r}, 'w'); time.sleep(60)")
    watch_until(ready.exists, deaf)
    stop_all([deaf], 0.2)
    assert (deaf.process, deaf.exit_code) == (None, -signal.SIGKILL)


@pytest.mark.parametrize(("child_code", "code"), [(0, 0), (7, 1)])
def test_a_signal_is_passed_on_and_the_exit_code_tells_how_children_ended(
    tmp_path: Path, child_code: int, code: int
) -> None:
    ready = tmp_path / "ready"
    handler = f"signal.signal(signal.SIGTERM, lambda *_: os._exit({child_code}))"
    script = f"import os, signal, time; {handler}; open({str(ready)!r}, 'w'); time.sleep(60)"
    parent = f"""
import sys
from darklaunch_shared.process.supervisor import SupervisedProcess, run_children
command = (sys.executable, "-c", {script!r})
sys.exit(run_children([SupervisedProcess(name="child", command=command, environment={{}})]))
"""
    process = Popen([sys.executable, "-c", parent], env=dict(os.environ))
    give_up_s = time.monotonic() + 30
    while not ready.exists():
        assert time.monotonic() < give_up_s
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == code
