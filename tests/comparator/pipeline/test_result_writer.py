"""Recording while Postgres misbehaves: nothing lost, nothing doubled, one bad row alone given back."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from darklaunch_comparator.pipeline.result_writer import RefusedResult, ResultWriter, WriterStopped
from darklaunch_comparator.store.classify_error import BatchFailure, ProvisionalRowAppeared, classify_error
from darklaunch_comparator.store.connect import ConnectionLimits, connect_store
from darklaunch_comparator.store.write_batch import prepare_connection, write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.exchanges import assert_sums_equal_rows, exchange, finding, lost, replayed, some_findings


@pytest.fixture(scope="module")
def connection(postgres_dsn: str) -> Iterator[Connection[Any]]:
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        yield connection


@contextlib.contextmanager
def recording(
    dsn: str, *, stop: threading.Event | None = None, limits: ConnectionLimits | None = None
) -> Iterator[ResultWriter]:
    recorder = ResultWriter(
        dsn, name="darklaunch-recorder", retention_days=14, stop=stop or threading.Event(), limits=limits
    )
    try:
        yield recorder
    finally:
        recorder.close()


def count(connection: Connection[Any], launch: str) -> int:
    (found,) = connection.execute("SELECT count(*) FROM darklaunch.result WHERE launch = %s", [launch]).fetchone()  # type: ignore[misc]
    return int(found)


def until(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def recorders_waiting(connection: Connection[Any], wait: str) -> list[int]:
    found = connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'darklaunch-recorder' "
        "AND datname = current_database() AND wait_event_type = %s AND state = 'active'",
        [wait],
    )
    return [pid for (pid,) in found]


def test_one_row_that_postgres_refuses_is_given_back_and_the_others_are_recorded(
    own_postgres_dsn: str, launch_name: str
) -> None:
    findings = some_findings(launch_name, 100)
    with connect_store(own_postgres_dsn, name="darklaunch-test") as connection, recording(own_postgres_dsn) as recorder:
        poison = finding(replayed(exchange(launch_name, 1000, endpoint="GET /poison")), launch_name)
        connection.execute("ALTER TABLE darklaunch.result ADD CHECK (endpoint <> 'GET /poison')")
        refused = recorder.record(launch_name, [*findings[:37], poison, *findings[37:]])
        assert [refusal.result for refusal in refused] == [poison] and "violates check" in refused[0].reason
        assert count(connection, launch_name) == 100
        assert_sums_equal_rows(connection, launch_name)


def test_a_backend_killed_in_the_middle_of_a_batch_costs_nothing(
    connection: Connection[Any], postgres_dsn: str, launch_name: str
) -> None:
    findings = some_findings(launch_name, 50)
    with recording(postgres_dsn) as recorder, ThreadPoolExecutor(1) as pool:
        recorder.record(launch_name, findings[:10])
        with connect_store(postgres_dsn, name="darklaunch-test") as other, other.transaction():
            other.execute("SELECT FROM darklaunch.tally WHERE launch = %s FOR UPDATE", [launch_name])
            recorded = pool.submit(recorder.record, launch_name, findings)
            until(lambda: bool(recorders_waiting(connection, "Lock")))
            (pid,) = recorders_waiting(connection, "Lock")
            connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        assert recorded.result(20) == []
    assert count(connection, launch_name) == 50
    assert_sums_equal_rows(connection, launch_name)


def test_a_lock_that_is_held_too_long_is_waited_for_in_tries(
    connection: Connection[Any], postgres_dsn: str, launch_name: str
) -> None:
    findings = some_findings(launch_name, 20)
    with recording(postgres_dsn, limits=ConnectionLimits(lock_s=0.2)) as recorder, ThreadPoolExecutor(1) as pool:
        with connect_store(postgres_dsn, name="darklaunch-test") as other, other.transaction():
            other.execute("LOCK TABLE darklaunch.bucket IN ACCESS EXCLUSIVE MODE")
            recorded = pool.submit(recorder.record, launch_name, findings)
            time.sleep(0.7)
            assert not recorded.done()
        assert recorded.result(20) == []
    assert_sums_equal_rows(connection, launch_name)


def test_a_database_that_refuses_connections_is_waited_for(own_postgres_dsn: str, launch_name: str) -> None:
    findings = some_findings(launch_name, 20)
    name = sql.Identifier(str(conninfo_to_dict(own_postgres_dsn)["dbname"]))
    elsewhere = make_conninfo(own_postgres_dsn, dbname="postgres")
    with (
        psycopg.connect(elsewhere, autocommit=True) as admin,
        recording(own_postgres_dsn) as recorder,
        ThreadPoolExecutor(1) as pool,
    ):
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        recorded = pool.submit(recorder.record, launch_name, findings)
        time.sleep(0.5)
        assert not recorded.done()
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
        assert recorded.result(20) == []
    with connect_store(own_postgres_dsn, name="darklaunch-test") as connection:
        assert_sums_equal_rows(connection, launch_name)
        assert count(connection, launch_name) == 20


def test_waiting_ends_when_told_to_stop(launch_name: str) -> None:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with recording(f"postgresql://x@127.0.0.1:{port}/x", stop=stop) as recorder, ThreadPoolExecutor(1) as pool:
        recorded = pool.submit(recorder.record, launch_name, some_findings(launch_name, 3))
        time.sleep(0.3)
        stop.set()
        with pytest.raises(WriterStopped):
            recorded.result(10)


def test_recorders_side_by_side_with_the_same_batches_count_each_exchange_once(
    connection: Connection[Any], postgres_dsn: str, launch_name: str
) -> None:
    findings = some_findings(launch_name, 400)
    batches = [findings[at : at + 50] for at in range(0, 400, 25)]

    def work(turn: int) -> list[RefusedResult]:
        with recording(postgres_dsn) as recorder:
            order = batches[::-1] if turn % 2 else batches
            return [refusal for batch in order for refusal in recorder.record(launch_name, batch)]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [[]] * 4
    assert count(connection, launch_name) == 400
    assert_sums_equal_rows(connection, launch_name)


def test_a_result_that_meets_its_own_death_notice_under_way_wins(
    connection: Connection[Any], postgres_dsn: str, launch_name: str
) -> None:
    captured = exchange(launch_name, 1)
    dead, late = finding(lost(captured, "dead", "dead"), launch_name), finding(replayed(captured), launch_name)
    with recording(postgres_dsn) as recorder, ThreadPoolExecutor(1) as pool:
        with connect_store(postgres_dsn, name="darklaunch-test") as other:
            prepare_connection(other)
            with other.transaction():
                write_batch(other, launch_name, [dead], WriterCache())
                recorded = pool.submit(recorder.record, launch_name, [late])
                until(lambda: bool(recorders_waiting(connection, "Lock")))
        assert recorded.result(20) == []
    found = connection.execute("SELECT outcome FROM darklaunch.result WHERE launch = %s", [launch_name])
    assert found.fetchall() == [("matched",)]
    assert_sums_equal_rows(connection, launch_name)


def test_a_lost_reply_to_commit_doubles_nothing(
    connection: Connection[Any], postgres_dsn: str, launch_name: str
) -> None:
    findings = some_findings(launch_name, 30)
    with CutAfterCommit(postgres_dsn) as proxy, recording(proxy.dsn) as recorder:
        assert recorder.record(launch_name, findings) == []
        assert proxy.cuts == 1
    assert count(connection, launch_name) == 30
    assert_sums_equal_rows(connection, launch_name)


class CutAfterCommit:
    """A TCP proxy to Postgres that, once, passes a COMMIT on and closes before its reply comes back."""

    def __init__(self, dsn: str) -> None:
        parts = conninfo_to_dict(dsn)
        self._upstream = (str(parts["host"]), int(parts["port"] or 5432))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self.dsn = make_conninfo(dsn, host="127.0.0.1", port=self._port, sslmode="disable", gssencmode="disable")
        self.cuts = 0
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "CutAfterCommit":
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(60)

    def _start(self, target: Callable[..., None], *args: socket.socket) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._upstream)
            self._start(self._pump, client, server)
            self._start(self._pump, server, client)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        upward = sink.getpeername()[1] == self._upstream[1]
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                cut = upward and not self.cuts and b"COMMIT" in data
                if cut:
                    self.cuts += 1
                    source.shutdown(socket.SHUT_RDWR)  # the reply finds nobody
                sink.sendall(data)
                if cut:
                    time.sleep(0.3)  # the server commits
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        source.close()


@pytest.mark.parametrize(
    ("error", "blame"),
    [
        (psycopg.errors.SerializationFailure(), BatchFailure.RACE),
        (psycopg.errors.DeadlockDetected(), BatchFailure.RACE),
        (psycopg.errors.UniqueViolation(), BatchFailure.RACE),  # two writers of one provisional row
        (ProvisionalRowAppeared(), BatchFailure.RACE),
        (psycopg.errors.CheckViolation(), BatchFailure.ROW),
        (psycopg.errors.InvalidTextRepresentation(), BatchFailure.ROW),
        (psycopg.DataError("a NUL"), BatchFailure.ROW),
        (psycopg.errors.UndefinedTable(), BatchFailure.SERVER),
        (psycopg.errors.DiskFull(), BatchFailure.SERVER),
        (psycopg.OperationalError("the connection is lost"), BatchFailure.SERVER),
        (OSError(), BatchFailure.SERVER),
        (ZeroDivisionError(), BatchFailure.ROW),
    ],
    ids=lambda it: type(it).__name__,
)
def test_whose_fault_an_error_is(error: Exception, blame: BatchFailure) -> None:
    assert classify_error(error) is blame
