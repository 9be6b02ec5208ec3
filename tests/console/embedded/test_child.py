import os
import time
from pathlib import Path

import psycopg
import pytest
from darklaunch_console.embedded.locks import acquire_locks

from tests.support.embedded import eventually, is_alive, postgres_pids, reachable_directory, running


@pytest.fixture
def place():
    with reachable_directory() as path:
        yield path


@pytest.mark.parametrize("mode", ["throwaway", "keep"])
def test_kill_of_the_parent_leaves_no_server(mode, place):
    with running(mode, *([place] if mode == "keep" else []), env={"TMPDIR": str(place)}) as run:
        said = run.hear()
        with psycopg.connect(said["postgres_url"]) as busy:
            busy.pgconn.send_query(b"SELECT pg_sleep(600)")
            pids = {*said["pids"], *postgres_pids(said["postgres_url"]), busy.info.backend_pid}
            assert len(pids) > 5
            assert all(is_alive(pid) for pid in said["pids"])
            run.kill()
            assert eventually(lambda: not any(map(is_alive, pids))), [pid for pid in pids if is_alive(pid)]
            busy.pgconn.finish()


@pytest.mark.parametrize("delay_s", [0.02, 0.1, 0.25, 0.5])
def test_kill_while_starting_leaves_no_process(delay_s, place):
    """All that it started inherits a lock of its directory: who can take the lock knows that all of them are gone."""
    with running("throwaway", env={"TMPDIR": str(place)}) as run:
        time.sleep(delay_s)
        run.kill()
    for directory in place.glob("darklaunch-servers-*"):
        acquire_locks(directory, 20.0).release()


def test_the_next_start_removes_what_a_killed_run_left(place):
    env = {"TMPDIR": str(place)}
    with running("valkey", env=env) as living:
        living.hear()
        (its,) = place.iterdir()
        with running("valkey", env=env) as killed:
            pids = killed.hear()["pids"]
            killed.kill()
        assert eventually(lambda: not any(map(is_alive, pids)))
        (left,) = set(place.iterdir()) - {its}
        with running("valkey", env=env) as third:
            third.hear()
            assert its.exists()
            assert not left.exists()
            third.end()
        living.end()
    assert list(place.iterdir()) == []


def test_where_the_kernel_has_no_death_signal_a_lifeline_does_it(place):
    with running("lifeline", place) as run:
        (pid,) = run.hear()["pids"]
        assert eventually(lambda: Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"/bin/sleep"))
        run.kill()
        assert eventually(lambda: not is_alive(pid))


def test_an_interrupt_of_the_terminal_reaches_us_and_not_the_servers(place):
    """Ctrl-C signals the foreground process group; the servers must outlive it until we have drained."""
    with running("valkey", env={"TMPDIR": str(place)}, start_new_session=True) as run:
        said = run.hear()
        for pid in said["pids"]:
            assert os.getpgid(pid) != os.getpgid(run.popen.pid)
        assert said["imported"] == []  # only the files of the wheels are used, never their code
        run.end()
