"""Postgres stopped, cut off, locked, slow, full, out of connections: nothing is lost, and every sum equals its rows."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from darklaunch_comparator.store.migrate import migrate
from darklaunch_console.embedded import Postgres
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from .outages import cut_off, locked, shut_out
from .redis_servers import RedisServer
from .stage import Stage

pytestmark = pytest.mark.faults


def admin(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


def set_for_database(dsn: str, setting: str) -> None:
    name = sql.Identifier(str(conninfo_to_dict(dsn)["dbname"]))
    with psycopg.connect(make_conninfo(dsn, dbname="postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} " + setting).format(name))


def test_refusing_everybody(stage: Stage) -> None:
    stage.up(comparators=2)
    with shut_out(stage.dsn):
        time.sleep(4)
    stage.mended()
    assert stage.finish("Postgres: refuses everybody 4 s")["dropped"] == {}


def test_backends_terminated_again_and_again(stage: Stage) -> None:
    stage.up(comparators=2)
    for _ in range(8):
        cut_off(stage.dsn)
        time.sleep(0.3)
    stage.mended()
    assert stage.finish("Postgres: backends terminated, 8 times")["dropped"] == {}


@pytest.mark.parametrize("table", ["darklaunch.result", "darklaunch.tally", "darklaunch.producer"])
def test_locked(stage: Stage, table: str) -> None:
    stage.up(comparators=2)
    with locked(stage.dsn, table):
        time.sleep(3)
    stage.mended()
    assert stage.finish(f"Postgres: ACCESS EXCLUSIVE on {table.partition('.')[2]} 3 s")["dropped"] == {}


def test_locked_longer_than_anybody_waits(stage: Stage) -> None:
    stage.up(comparators=2)
    with locked(stage.dsn, "darklaunch.tally"):
        time.sleep(12)  # lock_timeout is 10 s
    stage.mended()
    account = stage.finish("Postgres: ACCESS EXCLUSIVE 12 s, over lock_timeout")
    assert account["dropped"] == {} and account["outcomes"]["dead"] == 0


def test_statements_time_out(stage: Stage) -> None:
    """A trigger that sleeps longer than a statement may take: the server ends each batch, until the trigger is gone."""
    stage.up()
    admin(stage.dsn, "CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); END $$")
    admin(stage.dsn, "CREATE TRIGGER nap BEFORE INSERT ON darklaunch.bucket FOR EACH ROW EXECUTE FUNCTION nap()")
    stage.until(lambda: "canceling statement due to statement timeout" in stage.logs())
    stage.hooks[0].rest()  # nothing stands in the way of the DROP but a statement that is about to be ended
    admin(stage.dsn, "DROP TRIGGER nap ON darklaunch.bucket")
    stage.hooks[0].load(100)
    stage.mended()
    account = stage.finish("Postgres: a statement timeout of 30 s")
    assert account["dropped"] == {} and account["outcomes"]["dead"] == 0


def test_deadlocks(stage: Stage) -> None:
    """Another session locks the tables the other way round, so that somebody has to give way."""
    set_for_database(stage.dsn, "SET deadlock_timeout = '100ms'")
    stage.up(comparators=2, per_s=150)
    for _ in range(6):
        try:
            with psycopg.connect(stage.dsn) as connection:
                connection.execute("UPDATE darklaunch.signature SET count = count")
                connection.execute("UPDATE darklaunch.tally SET count = count")
                time.sleep(0.2)
                connection.execute("UPDATE darklaunch.bucket SET slow = slow")
                connection.rollback()
        except psycopg.errors.DeadlockDetected:
            pass
    stage.mended()
    assert stage.finish("Postgres: deadlocks provoked, 6 times")["dropped"] == {}


def test_lost_replies_of_commit(stage: Stage) -> None:
    proxy, commits = stage.postgres_proxy(), 0
    stage.up(comparators=2)

    def lose(request: bytes) -> bool:
        nonlocal commits
        commits += b"COMMIT" in request
        return b"COMMIT" in request and commits % 3 == 0

    proxy.lose = lose
    stage.until(lambda: proxy.lost >= 6)
    proxy.lose = lambda _request: False
    stage.mended()
    assert stage.finish("Postgres: lost replies of COMMIT")["dropped"] == {}


def test_lagging_and_reset_connections(stage: Stage) -> None:
    proxy = stage.postgres_proxy()
    stage.up()
    proxy.delay_s = 0.05
    time.sleep(1)
    proxy.delay_s = 0.0
    proxy.reset()
    stage.mended()
    stage.finish("Postgres: lag of 100 ms, then connections reset")


def test_half_open_connections(stage: Stage) -> None:
    """Nothing passes any more on the connections there are, and neither end is told: they are given up and replaced."""
    proxy = stage.postgres_proxy()
    stage.up(comparators=2, per_s=30)
    proxy.fall_silent()
    silent_s = time.time()
    stage.until(lambda: "recording again after" in stage.logs())
    stage.recovery_s = time.time() - silent_s
    assert stage.finish("Postgres: half-open connections")["dropped"] == {}


def test_a_partition_is_missing(stage: Stage) -> None:
    stage.up()
    stage.hooks[0].rest()
    stage.until(lambda: stage.rows() == stage.hooks[0].sampled)
    (day,) = stage.sql("SELECT max(day) FROM darklaunch.partition_days() AS day WHERE day <= current_date")[0]
    admin(stage.dsn, f"ALTER TABLE darklaunch.result DETACH PARTITION darklaunch.result_{day:%Y%m%d}")
    admin(stage.dsn, f"INSERT INTO darklaunch.result SELECT * FROM darklaunch.result_{day:%Y%m%d}")
    admin(stage.dsn, f"DROP TABLE darklaunch.result_{day:%Y%m%d}")
    stage.hooks[0].load(100)
    stage.mended()
    assert stage.finish("Postgres: the day's partition is missing")["dropped"] == {}


def test_one_bad_row(stage: Stage) -> None:
    stage.launch()
    admin(stage.dsn, "ALTER TABLE darklaunch.result ADD CONSTRAINT picky CHECK (exchange_id NOT LIKE '%:13')")
    stage.worker()
    stage.comparator()
    stage.hook().load(100)
    stage.until(lambda: stage.rows() >= 50)
    admin(stage.dsn, "ALTER TABLE darklaunch.result DROP CONSTRAINT picky")
    stage.mended()
    account = stage.finish("Postgres: one row is refused")
    assert account["outcomes"]["dead"] <= 1 and account["dropped"] == {}


@contextmanager
def small_disk(directory: Path, owner: Path) -> Generator[Path]:
    """Mount a disk of 4 MB for the server's user; skips where that is not allowed."""
    directory.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(directory)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no disk can be filled here: {mounted.stderr.decode().strip()}")
    try:
        status = owner.stat()
        os.chown(directory, status.st_uid, status.st_gid)
        directory.chmod(0o700)
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=False)


def fill(ballast: Path) -> None:
    """Write to a disk until it is full."""
    with open(ballast, "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass


@pytest.fixture
def alone(
    redis_server: RedisServer,
    own_postgres: Postgres,
    tmp_path: Path,
    launch_name: str,
    record_property: Callable[..., None],
) -> Generator[Stage]:
    """Bring up a stage on a Postgres of its own, to stop and fill."""
    migrate(own_postgres.url)
    stage = Stage(redis_server, own_postgres.url, tmp_path, launch_name, record_property)
    yield stage
    stage.close()


def test_the_disk_is_full(alone: Stage, own_postgres: Postgres) -> None:
    with small_disk(own_postgres.path.parent / "small", own_postgres.path) as disk:
        admin(alone.dsn, f"CREATE TABLESPACE small LOCATION '{disk}'")
        try:
            alone.up()
            alone.hooks[0].rest()
            alone.until(lambda: alone.rows() == alone.hooks[0].sampled)
            admin(alone.dsn, "ALTER TABLE darklaunch.tally SET TABLESPACE small")
            admin(alone.dsn, "ALTER TABLE darklaunch.bucket SET TABLESPACE small")
            fill(disk / "ballast")
            admin(alone.dsn, "ALTER TABLE darklaunch.bucket SET (fillfactor = 10)")
            alone.hooks[0].load(300)
            alone.until(lambda: "No space left on device" in alone.logs(), 40)
            alone.hooks[0].rest()
            (disk / "ballast").unlink()
            alone.hooks[0].load(50)
            alone.mended()
            account = alone.finish("Postgres: disk full")
            assert account["dropped"] == {} and account["outcomes"]["dead"] == 0
        finally:
            alone.close()
            admin(alone.dsn, "ALTER TABLE darklaunch.tally SET TABLESPACE pg_default")
            admin(alone.dsn, "ALTER TABLE darklaunch.bucket SET TABLESPACE pg_default")
            admin(alone.dsn, "DROP TABLESPACE small")


def test_frozen(alone: Stage, own_postgres: Postgres) -> None:
    """Stop the server and all its backends: connections hang, and nobody is told."""
    alone.up()
    group = [own_postgres.process.pid, *children(own_postgres.process.pid)]
    for pid in group:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(4)
    for pid in group:
        with contextlib.suppress(ProcessLookupError):  # a backend that was at its end is gone with the first of them
            os.kill(pid, signal.SIGCONT)
    alone.mended()
    assert alone.finish("Postgres: SIGSTOP 4 s, backends too")["dropped"] == {}


def test_backends_killed(alone: Stage, own_postgres: Postgres) -> None:
    """Kill a backend: the server drops all connections and recovers from its log, as after a crash."""
    alone.up()
    (pid,) = alone.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'darklaunch-comparator'")[0]
    os.kill(pid, signal.SIGKILL)
    alone.mended()
    assert alone.finish("Postgres: SIGKILL of a backend, crash recovery")["dropped"] == {}


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_no_connection_left(alone: Stage) -> None:
    """Others take every connection that max_connections allows; comparators that have none yet wait for theirs."""
    alone.up()
    with every_connection(alone.dsn) as taken:
        late = alone.comparator()
        alone.until(lambda: "too many clients already" in late.log)
        cut_off_comparators(taken[0])
        fill_up(alone.dsn, taken)
        time.sleep(2)
        assert all(each.alive for each in alone.processes)
    alone.mended()
    assert alone.finish("Postgres: max_connections taken by others")["dropped"] == {}


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_stopped_and_started(alone: Stage, own_postgres: Postgres, how: str) -> None:
    """Stop the server, as an upgrade or a crash of its machine does, for a while; start it again on its files."""
    alone.up(comparators=2)
    own_postgres.process.stop(STOPS[how], 20)
    assert own_postgres.process.exit_code() is not None
    time.sleep(4)
    with started_again(own_postgres):
        alone.mended()
        assert alone.finish(f"Postgres: {how} stop, down 4 s")["dropped"] == {}


STOPS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


@contextmanager
def started_again(stopped: Postgres) -> Generator[None]:
    """Run a stopped server again, with the command line it had."""
    (stopped.path / "postmaster.pid").unlink(missing_ok=True)
    command = (stopped.path / "postmaster.opts").read_text().split()
    words = [word.strip('"') for word in command]
    owner = stopped.path.stat()
    log = open(stopped.process.log_path, "ab")  # noqa: SIM115
    again = subprocess.Popen(
        words, cwd=stopped.path.parent, stdout=log, stderr=log, user=owner.st_uid, group=owner.st_gid
    )
    try:
        yield
    finally:
        again.send_signal(signal.SIGINT)
        again.wait(20)
        log.close()


@contextmanager
def every_connection(dsn: str) -> Generator[list[psycopg.Connection]]:
    """Take all connections that are left, for the block."""
    taken: list[psycopg.Connection] = []
    try:
        fill_up(dsn, taken)
        yield taken
    finally:
        for connection in taken:
            connection.close()


def fill_up(dsn: str, taken: list[psycopg.Connection]) -> None:
    try:
        while len(taken) < 1_000:
            taken.append(psycopg.connect(dsn, autocommit=True))
    except psycopg.OperationalError as full:
        if "too many clients" not in str(full):
            raise


def cut_off_comparators(connection: psycopg.Connection) -> None:
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'darklaunch-%'"
    )
