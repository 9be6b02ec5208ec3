"""Locks of a servers directory: one owner at a time, and a sweep of leftovers waits for nobody."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from darklaunch_console.embedded import HomeInUse, locks
from darklaunch_console.embedded.homes import PREFIX, remove_leftovers
from darklaunch_console.embedded.locks import acquire_locks, is_owned


def test_a_directory_has_one_owner_who_is_named_and_is_free_after_him(tmp_path: Path) -> None:
    assert not is_owned(tmp_path)
    first = acquire_locks(tmp_path, 0)
    assert is_owned(tmp_path)
    with pytest.raises(HomeInUse, match=rf"in use by another run \(pid {os.getpid()}\)"):
        acquire_locks(tmp_path, 0, owner_limit_s=0)
    first.release()
    assert not is_owned(tmp_path)
    acquire_locks(tmp_path, 0).release()


def test_servers_that_outlive_their_owner_keep_the_directory(tmp_path: Path) -> None:
    first = acquire_locks(tmp_path, 0)
    inherited = os.dup(first.servers)
    first.release()
    with pytest.raises(HomeInUse, match="Servers of an earlier run still use"):
        acquire_locks(tmp_path, 0)
    os.close(inherited)
    acquire_locks(tmp_path, 0).release()


def test_a_sweep_waits_for_no_directory_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each start sweeps: it must not become slower with the number of runs beside it."""

    def wait(_: float) -> None:
        raise AssertionError("the sweep waited")

    used, left = (tmp_path / f"{PREFIX}{name}" for name in ("used", "left"))
    used.mkdir()
    left.mkdir()
    held = acquire_locks(used, 0)
    monkeypatch.setattr(locks, "time", SimpleNamespace(monotonic=time.monotonic, sleep=wait))
    remove_leftovers(tmp_path)
    assert (used.exists(), left.exists()) == (True, False)
    held.release()
    remove_leftovers(tmp_path)
    assert not used.exists()
