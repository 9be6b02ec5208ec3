"""The demo, run for real: it comes out as it should, briefly, and what --keep prints can be typed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.page import page
from tests.support.cli import COMMAND, NO_SERVERS
from tests.support.embedded import reachable_directory

JARGON = ("1,000,000 : 1", "its own noise", "aborted", "superseded_by_rollback", "guard object")


@pytest.fixture
def home() -> Iterator[Path]:
    with reachable_directory() as path:
        yield path


def environment(home: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if name not in NO_SERVERS},
        "DARKLAUNCH_HOME": str(home),
    }


def skeleton(text: str) -> list[str]:
    """Return the demo's lines without what differs from run to run: figures, ids, columns, late responses."""
    lines: list[str] = []
    for line in text.splitlines():
        plain = re.sub(r"\b[0-9a-z]{8}:\d+", "ID", line)
        plain = re.sub(r", or no (answer|response) in time \(\d+\)", "", plain)
        plain = re.sub(r"slower by more than 2,000 ms|no (answer|response): timeout", "SLOW", plain)
        plain = re.sub(r"(latency: |no (answer|response): connected).*", "PROOF", plain)
        plain = re.sub(r"[+−]?\d[\d.,:]*( min( \d+ s)?| s)?(?=\D|$)", "#", plain)
        lines.append(" ".join(plain.split()))
    return [line for line in lines if line]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_tells_its_story_in_45_lines_as_the_readme_shows(tmp_path: Path) -> None:
    demo = [*COMMAND, "demo"]
    done = subprocess.run(demo, capture_output=True, text=True, env=environment(tmp_path), timeout=800)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) <= 45
    assert all(len(line) <= 80 for line in lines)
    assert not [word for word in JARGON if word in done.stdout]
    shown = next(block for block in re.findall(r"```\n(.*?)```", page("README.md"), re.DOTALL) if "ROLL BACK" in block)
    missing = sorted(set(skeleton(shown)) - set(skeleton(done.stdout)) - {"…"})
    assert not missing, "\n".join(missing)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_command_that_keep_prints_works_until_ctrl_c(home: Path) -> None:
    command = [*COMMAND, "demo", "--keep"]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(home))
    assert demo.stdout
    try:
        typed = []
        for line in demo.stdout:
            if match := re.match(r"  darklaunch (\w+ \S+)", line):
                typed.append(match[1].split())
            if line.startswith("  darklaunch history"):
                break
        assert [words[0] for words in typed] == ["inspect", "curl", "report", "history"]
        for words in typed:
            done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, env=environment(home), timeout=60)
            assert done.returncode == 0, done.stderr
        curls = subprocess.run(
            [*COMMAND, *typed[1], "--json"], capture_output=True, text=True, env=environment(home), timeout=60
        )
        assert json.loads(curls.stdout)
    finally:
        demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=60)  # reads on while it ends, and closes the pipe
    assert demo.returncode == 0
    gone = subprocess.run([*COMMAND, "list"], capture_output=True, text=True, env=environment(home), timeout=60)
    assert gone.returncode == 3, f"{sys.executable}: the servers are still there"
