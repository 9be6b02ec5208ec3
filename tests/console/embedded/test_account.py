"""The user that servers run as: what it may do, and which directory is in its way."""

import os
from pathlib import Path

import pytest
from darklaunch_console.embedded.account import ServerAccount, server_account


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "may"),
    [(0o711, 12345, 54321, True), (0o710, 12345, 54321, False), (0o700, 12345, 54321, False)],
)
def test_mode_bits_of_others_decide_for_a_stranger(tmp_path: Path, mode: int, uid: int, gid: int, may: bool) -> None:
    tmp_path.chmod(mode)
    assert ServerAccount(uid, gid, drop=True).may(os.X_OK, tmp_path) is may


def test_owner_and_group_are_judged_by_their_own_bits(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    status = tmp_path.stat()
    assert ServerAccount(status.st_uid, 54321, drop=True).may(os.R_OK | os.W_OK | os.X_OK, tmp_path)
    assert ServerAccount(12345, status.st_gid, drop=True).may(os.R_OK | os.X_OK, tmp_path)
    assert not ServerAccount(12345, status.st_gid, drop=True).may(os.W_OK, tmp_path)


def test_the_topmost_directory_in_the_way_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    below = closed / "a" / "b"
    below.mkdir(parents=True)
    for directory in (closed, below):
        directory.chmod(0o700)
    obstacle = ServerAccount(12345, 54321, drop=True).obstacle(below)
    assert obstacle is not None
    assert closed.resolve().is_relative_to(obstacle)


def test_servers_never_run_as_root() -> None:
    account = server_account()
    assert account.uid != 0
    assert account.drop is (os.geteuid() == 0)
