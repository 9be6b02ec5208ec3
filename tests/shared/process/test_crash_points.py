"""Crash points: each is reached from exactly one place in the code, and none does anything unless it is chosen."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from darklaunch_shared.process.crash_points import CRASH_POINTS, choose_crash_point, crash_point

ROOT = Path(__file__).parents[3]
PACKAGES = ("producer", "workers", "comparator", "shared", "console")


def test_every_crash_point_is_reached_from_exactly_one_place() -> None:
    code = "".join(path.read_text() for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    assert sorted(re.findall(r'crash_point\("([a-z]+\.[a-z_]+)"\)', code)) == sorted(CRASH_POINTS)


def test_a_crash_point_does_nothing_unless_it_is_chosen() -> None:
    for name in CRASH_POINTS:
        crash_point(name)


def test_an_unknown_crash_point_is_refused() -> None:
    try:
        with pytest.raises(ValueError, match=r"no crash point 'worker\.99': it is one of hook\.numbered, "):
            choose_crash_point("worker.99")
    finally:
        choose_crash_point("")


def test_the_chosen_crash_point_kills_the_process_the_nth_time() -> None:
    program = (
        "from darklaunch_shared.process.crash_points import crash_point\n"
        "for n in range(3): crash_point('worker.received'); print(n)"
    )
    environment = {**os.environ, "DARKLAUNCH_CRASH_AT": "worker.received:2"}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout in (b"", b"0\n")
