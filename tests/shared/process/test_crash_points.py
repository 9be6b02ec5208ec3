"""The numbered places to crash at: all of them are in the code, and none does anything by itself."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from darklaunch_shared.process.crash_points import CRASH_POINTS, choose_crash_point, crash_point

ROOT = Path(__file__).parents[3]
ROOMS = ("producer", "workers", "comparator", "shared", "console")


def test_every_place_is_somewhere_in_the_code_and_only_there() -> None:
    code = "".join(path.read_text() for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))
    assert sorted(re.findall(r'reached\("([a-z]+\.\d+)"\)', code)) == sorted(CRASH_POINTS)


def test_without_a_choice_nothing_happens_and_an_unknown_one_is_refused() -> None:
    for place in CRASH_POINTS:
        crash_point(place)
    with pytest.raises(ValueError, match=r"no place 'worker\.99' to crash at: it is one of hook\.1, "):
        choose_crash_point("worker.99")
    choose_crash_point("")


def test_the_chosen_place_ends_the_process_the_nth_time() -> None:
    program = (
        "from darklaunch_shared.process.crash_points import reached\nfor n in range(3): reached('worker.1'); print(n)"
    )
    environment = {**os.environ, "DARKLAUNCH_CRASH_AT": "worker.1:2"}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)
    assert ended.returncode == -signal.SIGKILL
