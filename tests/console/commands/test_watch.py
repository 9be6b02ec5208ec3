"""`watch`: a launch that is really judged, as frames, lines and JSON, until it has ended."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import threading
import time
from collections.abc import Generator
from dataclasses import replace
from typing import IO

import psycopg
import pytest
from darklaunch_comparator.judging.policy import FailureBudgets, JudgeMode, JudgePolicy, RampStep
from darklaunch_comparator.judging.policy_file import dump_policy_json
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_shared.launch.spec import LaunchStatus
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.cli import Cli
from tests.support.judge_traffic import ENDPOINTS, traffic

STEPS = (RampStep(50, 0.05, 100), RampStep(100, 0.01, 300))


POLICY = JudgePolicy(steps=STEPS, soak_s=10, budgets=FailureBudgets(0.01, 0.01, 0.01), endpoint_bound=0.05)


AUTO = replace(POLICY, mode=JudgeMode.AUTO)


PATIENCE_S = 30


def set_policy(harness, policy):
    spec = replace(harness.state.spec, policy=dump_policy_json(policy))
    update_launch(harness.connection, harness.name, LaunchAct("ann", "policy_set"), spec=spec)


def test_nothing_judged_yet_is_said(cli, harness):
    result = cli.run("watch", harness.name, "--once")
    assert result.exit_code == 2
    assert result.stdout.startswith("KEEP WATCHING: nothing has been judged yet; no comparator")


def test_json_is_one_object_on_a_line(cli, harness):
    harness.judge_traffic(traffic(300, start_ms=harness.start_ms))
    result = cli.run("watch", harness.name, "--once", "--json")
    assert result.exit_code == 2
    (line,) = result.stdout.splitlines()
    told = json.loads(line)
    assert (told["judged"], told["ledger"]["sampled"], told["ledger"]["balanced"]) == (300, 300, True)
    assert {"headline", "guards", "latency", "backlog", "percent", "needed"} <= told.keys()


def test_it_tells_each_change_and_ends_with_the_launch(cli, harness):
    set_policy(harness, AUTO)
    with following(cli, "watch", harness.name) as watching:
        assert "KEEP WATCHING" in read_line(watching.stdout)
        harness.judge_traffic(traffic(1_000, start_ms=harness.now_ms + 30_000, mismatch={ENDPOINTS[1]: 0.2}))
        out, _ = watching.communicate(timeout=PATIENCE_S)
    assert watching.returncode == 1
    assert f"ROLLED BACK: {ENDPOINTS[1]} differs in 2" in out.splitlines()[-1]


def test_a_postgres_that_is_away_for_a_while_is_waited_for(cli, harness, postgres_dsn):
    database = conninfo_to_dict(postgres_dsn)["dbname"]
    with (
        psycopg.connect(make_conninfo(postgres_dsn, dbname="postgres"), autocommit=True) as elsewhere,
        following(cli, "watch", harness.name) as watching,
    ):
        assert "KEEP WATCHING" in read_line(watching.stdout)
        try:
            elsewhere.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false'.encode())
            assert "Trying again" in read_line(watching.stderr)
        finally:
            elsewhere.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true'.encode())
        assert read_line(watching.stderr) == "Postgres responds again.\n"
        update_launch(harness.connection, harness.name, LaunchAct("ann", "promoted"), status=LaunchStatus.PROMOTED)
        out, _ = watching.communicate(timeout=PATIENCE_S)
    assert watching.returncode == 0
    assert out.splitlines()[-1].endswith("PROMOTED by ann.")


def test_on_a_terminal_it_draws_in_place_without_colour_if_asked_and_ctrl_c_ends_it(cli, harness):
    harness.judge_traffic(traffic(300, start_ms=harness.start_ms))
    ours, theirs = pty.openpty()
    given = cli.process("watch", harness.name, NO_COLOR="1", TERM="xterm", COLUMNS="80", LINES="24")
    given |= {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = subprocess.Popen(**given, start_new_session=True)
    os.close(theirs)
    said = b""
    until = time.monotonic() + PATIENCE_S
    while b"Latency, ms" not in said and time.monotonic() < until:
        said += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)
    draining = threading.Thread(target=drain, args=(ours,), daemon=True)
    draining.start()
    assert process.wait(PATIENCE_S) == 130
    draining.join(5)
    os.close(ours)
    assert b"KEEP WATCHING: 300 exchanges judged" in said
    assert b"\x1b[?1049h" not in said  # the alternate screen
    assert b"\x1b[31m" not in said
    assert b"\x1b[32m" not in said


@pytest.mark.parametrize(("arguments", "named"), [(["nothing-here"], "there is no launch"), ([], "watch --help")])
def test_what_goes_wrong_is_no_answer(cli, harness, arguments, named):
    result = cli.run("watch", *arguments)
    assert result.exit_code == 4
    assert named in result.stderr


@contextlib.contextmanager
def following(cli: Cli, *arguments: str) -> Generator[subprocess.Popen[str]]:
    """Run a command while its output is read; it is killed if it does not end."""
    process = subprocess.Popen(**cli.process(*arguments))
    killer = threading.Timer(4 * PATIENCE_S, process.kill)
    killer.start()
    try:
        yield process
    finally:
        killer.cancel()
        process.kill()
        process.communicate()


def read_line(pipe: IO[str] | None) -> str:
    assert pipe
    return pipe.readline()


def drain(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(descriptor, 65536):
            pass


def test_without_a_terminal_a_line_is_printed_only_when_it_says_something_else(cli, harness):
    with following(cli, "watch", harness.name) as watching:
        first = read_line(watching.stdout)
        for _ in range(3):
            harness.judge_now()  # judged again, with nothing new
        act = LaunchAct("ann", "rolled_back", "enough")
        update_launch(harness.connection, harness.name, act, status=LaunchStatus.ROLLED_BACK)
        harness.connection.commit()
        out, _ = watching.communicate(timeout=PATIENCE_S)
    lines = [line.partition("  ")[2] for line in (first, *out.splitlines())]
    assert len(lines) == len(set(lines))
    assert lines[-1].endswith("ROLLED BACK by ann: enough.")
