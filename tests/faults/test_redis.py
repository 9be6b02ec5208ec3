"""Redis stopped, killed, flushed, full, loading, read-only, out of connections: everything goes on by itself."""

from __future__ import annotations

import signal
import time

import pytest

from .stage import Stage

pytestmark = pytest.mark.faults


def test_nothing_at_all(stage: Stage) -> None:
    stage.up(workers=2, comparators=2)
    stage.mended()
    stage.finish("none")


def test_stopped(stage: Stage) -> None:
    stage.up()
    stage.redis.signal(signal.SIGSTOP)
    time.sleep(4)
    stage.redis.signal(signal.SIGCONT)
    stage.mended()
    stage.finish("Redis: SIGSTOP 4 s")
