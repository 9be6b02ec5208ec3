"""Any history of the protocol, on a real Redis and a real Postgres: each sampled exchange ends in one outcome."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from darklaunch.delivery.launch_queue import ExchangeBatch, LaunchQueue, PackedExchange
from darklaunch_comparator.leader.lost_exchanges import LostExchangeDetector
from darklaunch_comparator.leader.producer_counters import ProducerCounterSync
from darklaunch_comparator.pipeline.assess import assess_entry
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.launches import LaunchAct, LaunchRecord, create_launch
from darklaunch_comparator.store.write_batch import prepare_connection, write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import connect, connect_async
from darklaunch_shared.redis.consumer import (
    MAX_DELIVERIES,
    ClaimedEntry,
    GroupConsumer,
    comparator_streams,
    worker_streams,
)
from darklaunch_shared.redis.publish import publish_launch
from darklaunch_shared.redis.script_calls import ScriptCall, ScriptCaller, call_script
from darklaunch_shared.redis.script_queue import ScriptQueue
from darklaunch_shared.wire.exchange import unpack_exchange
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.producer_counters import pack_counters
from darklaunch_shared.wire.replay import UnreplayedExchange, pack_unreplayed
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis.exceptions import ResponseError

from tests.faults.redis_servers import LINES, RedisServer
from tests.support.exchanges import RULES, assert_sums_equal_rows, exchange, replayed
from tests.support.pack_exchange import pack_exchange

LEASE_S = 0.002


@dataclass(frozen=True, slots=True)
class Sample:
    """An exchange that waits in the hook's queue."""

    captured_at_ms: int

    def pack(self, launch: str, exchange_id: str, *, seal: bool) -> PackedExchange:
        fields = pack_exchange(exchange(launch, 1, at_ms=self.captured_at_ms))
        return PackedExchange(fields[keys.META], fields[keys.REQUEST], fields[keys.RESPONSE])

    def release(self) -> None:
        pass


def finishing(consumer: GroupConsumer, delivery: ClaimedEntry, onward: Fields, counter: str) -> ScriptCall:
    """Return the call that settles an entry, so that it can be made twice."""
    streams = consumer.streams
    passed_on = [part for pair in onward.items() for part in pair]
    names = (streams.source, streams.replays, streams.ledger)
    return ScriptCall(
        "finish", names, (streams.group, consumer.name, delivery.entry_id, counter, len(passed_on), *passed_on)
    )


class Protocol(RuleBasedStateMachine):
    """One hook, workers and comparators that come and go, and servers that lose what they hold or do not answer."""

    server: RedisServer
    dsn = ""
    came_to: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.name, self.producer = f"t-{secrets.token_hex(6)}", secrets.token_hex(4)
        self.loop = asyncio.new_event_loop()
        self.redis = connect(self.server.url, client_name="darklaunch-test")
        self.client = connect_async(self.server.url, client_name="darklaunch-test")
        self.queue = ScriptQueue(ScriptCaller(self.client))
        self.sending = self.loop.create_task(self.queue.run())
        self.postgres = connect_store(self.dsn, name="darklaunch-test")
        prepare_connection(self.postgres)
        spec = LaunchSpec(shadow="http://shadow.test", max_entries=40)
        self.launch: LaunchRecord = create_launch(
            self.postgres, self.name, spec, LaunchAct("t", "started"), percent=100.0
        )
        publish_launch(self.redis, self.launch.state, lift_hold=True)
        self.hook = LaunchQueue(self.launch.state, self.producer, 0)
        self.memory, self.ledger = WriterCache(), ProducerCounterSync()
        self.numbers = itertools.count()
        self.worker, self.comparator = self._member(worker_streams), self._member(comparator_streams)
        self.working: list[ClaimedEntry] = []
        self.recording: list[ClaimedEntry] = []
        self.last: ScriptCall | None = None

    # All of them

    @initialize(count=st.integers(2, 12), dies=st.booleans())
    def begin(self, count: int, dies: bool) -> None:
        self.read(1)  # joins the group
        self.read_replays(1)
        self.go_on(count)
        if dies:
            self.workers_die_of_it()

    @rule(count=st.integers(2, 12))
    def go_on(self, count: int) -> None:
        """Nothing goes wrong for a while: what is sampled is replayed and recorded, but for some that waits."""
        self.sample(count)
        self.flush(answered=True)
        self.read(count)
        while len(self.working) > 1:
            self.finish(same=len(self.working) % 3 > 0, stale=len(self.working) % 5 == 0)
        self.read_replays(count)
        self.record("no")

    # The hook

    @rule(count=st.integers(1, 12))
    def sample(self, count: int) -> None:
        for _ in range(count):
            self.hook.add(Sample(time.time_ns() // 1_000_000))

    @rule(answered=st.booleans())
    def flush(self, answered: bool) -> None:
        batch: ExchangeBatch | None = self.hook.next_batch(0)
        if batch is None:
            return
        taken = int(call_script(self.redis, self.hook.build_admission(batch)))
        if answered:
            self.hook.record_admitted(taken)
        else:
            self.hook.record_no_reply()  # it is sent again as it is

    @rule()
    def report(self) -> None:
        counters = pack_counters(self.hook.build_counters(1))
        self.redis.execute_command("HSET", keys.producers(self.name), self.producer, counters)

    @rule()
    def copy_counters(self) -> None:
        self.ledger.copy_counters(self.postgres, self.redis)

    # Workers

    @rule(count=st.integers(1, 8))
    def read(self, count: int) -> None:
        self.working += self._run(self.worker.read(count, wait_ms=1))

    @rule(count=st.integers(1, 8))
    def claim(self, count: int) -> None:
        time.sleep(LEASE_S * 1.5)
        self.working += self._run(self.worker.claim(count))

    @precondition(lambda self: self.working)
    @rule(same=st.booleans(), stale=st.booleans())
    def finish(self, same: bool, stale: bool) -> None:
        delivery = self.working.pop(0)
        captured = unpack_exchange(delivery.fields)
        onward: Fields = (
            pack_unreplayed(
                UnreplayedExchange(
                    captured.id, self.name, captured.captured_at_ms, captured.endpoint, "dropped", "stale"
                )
            )
            if stale
            else replayed(captured, body=None if same else {"total": 2})
        )
        self.last = finishing(self.worker, delivery, onward, "dropped" if stale else "replayed")
        self._call(self.last)

    @precondition(lambda self: self.last)
    @rule()
    def finish_again(self) -> None:
        """The reply was lost, so the call is made again."""
        assert self.last is not None
        self._call(self.last)

    @precondition(lambda self: self.working)
    @rule()
    def hand_back(self) -> None:
        self._run(self.worker.hand_back([delivery.entry_id for delivery in self.working]))
        self.working = []

    @rule()
    def worker_crashes(self) -> None:
        self.worker, self.working = self._member(worker_streams), []

    @precondition(lambda self: self.working)
    @rule()
    def bury(self) -> None:
        """It cannot be read, or its worker finds that it is at fault itself."""
        try:
            self._run(self.worker.bury(self.working.pop(0), "at fault"))
        except ResponseError as refused:
            if "NOGROUP" not in str(refused):  # the stream is gone
                raise

    @rule()
    def workers_die_of_it(self) -> None:
        """Whoever takes it dies, until it is given up."""
        self.read(1)
        for _ in range(MAX_DELIVERIES + 1):
            self.worker_crashes()
            self.claim(8)
        self.working = []

    # Comparators

    @rule(count=st.integers(1, 8))
    def read_replays(self, count: int) -> None:
        self.recording += self._run(self.comparator.read(count, wait_ms=1))

    @rule(count=st.integers(1, 8))
    def claim_replays(self, count: int) -> None:
        time.sleep(LEASE_S * 1.5)
        self.recording += self._run(self.comparator.claim(count))

    @rule(crashes=st.sampled_from(["no", "before COMMIT", "after COMMIT"]))
    def record(self, crashes: str) -> None:
        """Postgres that is down is a crash before COMMIT, as far as the streams can tell."""
        found = [assess_entry(self.name, delivery.fields, RULES) for delivery in self.recording]
        if crashes != "before COMMIT" and found:
            write_batch(self.postgres, self.name, found, self.memory)
        if crashes == "no":
            for delivery in self.recording:
                self._call(finishing(self.comparator, delivery, {}, "recorded"))
        else:
            self.comparator = self._member(comparator_streams)
        self.recording = []

    # Disasters

    @rule()
    def flushall(self) -> None:
        self.report()
        self.copy_counters()
        self.redis.execute_command("FLUSHALL")
        self.redis.execute_command("SCRIPT FLUSH")
        publish_launch(self.redis, self.launch.state, lift_hold=False)

    @rule(keeps=st.booleans())
    def redis_is_killed(self, keeps: bool) -> None:
        """It comes back with its file, or with nothing; nobody had the time to say how far they were."""
        self.server.kill()
        if not keeps:
            shutil.rmtree(self.server.directory / "appendonlydir")
        self.server.start()
        cast(Any, self.redis).connection_pool.disconnect()
        self._run(cast(Any, self.client).connection_pool.disconnect())
        publish_launch(self.redis, self.launch.state, lift_hold=False)

    @rule()
    def scripts_are_forgotten(self) -> None:
        self.redis.execute_command("SCRIPT FLUSH")

    # What holds

    @invariant()
    def the_hooks_books_balance(self) -> None:
        lane = self.hook
        assert lane.sampled == lane.seq + sum(lane.dropped.values()) + lane.waiting

    @invariant()
    def no_exchange_has_two_results(self) -> None:
        rows = "SELECT count(*), count(DISTINCT exchange_id) FROM darklaunch.result WHERE launch = %s"
        ((total, different),) = self.postgres.execute(rows, [self.name]).fetchall()
        assert total == different

    def teardown(self) -> None:
        try:
            self._drain()
        finally:
            self.sending.cancel()
            self._run(asyncio.sleep(0))
            self._run(self.client.aclose())
            self.redis.close()
            self.postgres.close()
            self.loop.close()

    def _drain(self) -> None:
        while self.hook.waiting:
            self.flush(answered=True)
            self._settle()
        self._settle()
        counters = pack_counters(self.hook.build_counters(2, closed=True))
        self.redis.execute_command("HSET", keys.producers(self.name), self.producer, counters)
        self.copy_counters()
        gaps = LostExchangeDetector(0.0)
        for _ in range(3):  # note how far it has come, look, and look again
            gaps.find_lost(self.postgres, self.redis)
        ledger = report_queries.read_launch_ledger(self.postgres, self.name)
        assert ledger.sampled == self.hook.sampled, ledger
        assert ledger.on_its_way == 0, ledger
        assert_sums_equal_rows(self.postgres, self.name)
        self.came_to.update(matched=ledger.matched, mismatched=ledger.mismatched, dead=ledger.dead)
        self.came_to.update(ledger.dropped_by_reason)

    def _settle(self) -> None:
        """Remove everybody who held something, and make others finish it."""
        self.worker_crashes()
        self.comparator, self.recording = self._member(comparator_streams), []
        for _ in range(200):
            if not self._left():
                return
            self.read(8)
            self.claim(8)
            while self.working:
                self.finish(same=True, stale=False)
            self.read_replays(8)
            self.claim_replays(8)
            self.record("no")
        raise AssertionError(f"{self._left()} entries are left")

    def _left(self) -> int:
        streams = (keys.captures(self.name), keys.replays(self.name))
        return sum(int(self.redis.execute_command("XLEN", stream)) for stream in streams)

    def _member(self, lane: Any) -> GroupConsumer:
        name = f"member-{next(self.numbers)}"
        return GroupConsumer(self.client, self.queue, lane(self.name, 0), name=name, lease_s=LEASE_S)

    def _call(self, call: ScriptCall) -> None:
        try:
            call_script(self.redis, call)
        except ResponseError as refused:
            if "NOGROUP" not in str(refused):  # the stream is gone
                raise

    def _run(self, doing: Any) -> Any:
        return self.loop.run_until_complete(doing)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    program = LINES[0].find()
    assert program is not None
    server = RedisServer(program, tmp_path, "appendonly yes", "appendfsync no")
    server.start()
    yield server
    server.kill()


def run(server: RedisServer, dsn: str, *, examples: int, steps: int, derandomize: bool) -> Counter[str]:
    """Run histories, and give what their exchanges came to."""
    came_to: Counter[str] = Counter()
    machine = type("ProtocolHere", (Protocol,), {"server": server, "dsn": dsn, "came_to": came_to})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=derandomize,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return came_to


def test_any_history_balances(server: RedisServer, postgres_dsn: str) -> None:
    came_to = run(server, postgres_dsn, examples=10, steps=25, derandomize=True)
    assert all(came_to[each] for each in ("matched", "mismatched", "dead", "stale", "lost_in_redis")), came_to


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_long_histories_balance(server: RedisServer, postgres_dsn: str) -> None:
    run(server, postgres_dsn, examples=300, steps=80, derandomize=False)
