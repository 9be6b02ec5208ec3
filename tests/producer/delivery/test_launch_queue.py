"""The numbers and counts of a launch's queue, against a Redis that may reply anything at any time."""

from __future__ import annotations

import time

import orjson
import pytest
from darklaunch.delivery.launch_queue import BATCH_BYTES, BATCH_ENTRIES, LaunchQueue, PackedExchange
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.wire.exchange import META_CAP_BYTES
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

NOW_MS = 1_800_000_000_000


def state(status=LaunchStatus.ACTIVE, hold=False, **spec):
    return LaunchState("one", status, 10, hold, 1, LaunchSpec("http://shadow.invalid", **spec))


class Sample:
    def __init__(self, mark: int | str, size: int = 10, captured_at_ms: int = NOW_MS) -> None:
        self.mark, self.size, self.captured_at_ms, self.released = mark, size, captured_at_ms, 0

    def pack(self, launch: str, exchange_id: str, *, seal: bool) -> PackedExchange:
        if self.size < 0:
            raise orjson.JSONEncodeError("a lone surrogate")
        return PackedExchange(str(self.mark).encode(), b"", bytes(self.size))

    def release(self) -> None:
        self.released += 1


class Redis:
    """What admit.lua does: a stream with a bound, and the highest number of the producer."""

    def __init__(self) -> None:
        self.entries: dict[int, bytes] = {}
        self.highest = 0

    def admit(self, call, room: int) -> int:
        first_seq, metas = call.args[2], call.args[3::3]
        taken = 0
        for seq, meta in enumerate(metas, first_seq):
            if seq > self.highest:
                if not room:
                    break
                room -= 1
                assert seq not in self.entries
                self.entries[seq] = meta
                self.highest = seq
            taken += 1
        return taken


class QueueAgainstRedis(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.queue, self.redis = LaunchQueue(state(), "abcd1234", 1), Redis()
        self.samples: list[Sample] = []
        self.closed = False

    @rule(count=st.integers(1, 130), size=st.sampled_from([1, 20_000, BATCH_BYTES]))
    def offer(self, count, size) -> None:
        for _ in range(count if size == 1 else min(count, 4)):
            self.samples.append(Sample(len(self.samples), size))
            self.queue.add(self.samples[-1])

    @rule()
    def lose(self) -> None:
        self.queue.count_lost("too_large")

    @rule(room=st.integers(0, 150))
    def reply_arrives(self, room) -> None:
        if batch := self.queue.next_batch(NOW_MS):
            self.queue.record_admitted(self.redis.admit(self.queue.build_admission(batch), room))

    @rule(room=st.integers(0, 150), arrived=st.booleans())
    def reply_lost(self, room, arrived) -> None:
        if batch := self.queue.next_batch(NOW_MS):
            if arrived:
                self.redis.admit(self.queue.build_admission(batch), room)
            self.queue.record_no_reply()

    @rule(reason=st.sampled_from(["oom", "redis_down"]))
    def refused(self, reason) -> None:
        if self.queue.next_batch(NOW_MS):
            self.queue.record_refused(reason)

    @rule(present=st.sampled_from([state(), state(LaunchStatus.PAUSED), state(hold=True), None]))
    def obey(self, present) -> None:
        self.queue.apply_state(present)

    @invariant()
    def balances(self) -> None:
        queue = self.queue
        assert queue.sampled == queue.seq + queue.dropped.total() + queue.waiting
        assert set(range(1, queue.seq + 1)) <= self.redis.entries.keys()
        assert all(sample.released <= 1 for sample in self.samples)
        assert sum(not sample.released for sample in self.samples) == queue.waiting

    def teardown(self) -> None:
        if not hasattr(self, "queue"):
            return
        in_doubt = self.queue.waiting
        self.queue.close()
        assert self.queue.waiting == 0
        assert self.queue.sampled == self.queue.seq + self.queue.dropped.total()
        assert self.queue.seq <= self.redis.highest + in_doubt
        assert self.redis.highest <= self.queue.seq  # nothing is on the stream that the count does not know
        marks = [int(self.redis.entries[seq]) for seq in sorted(self.redis.entries)]
        assert marks == sorted(set(marks))  # in order, none twice


TestQueueAgainstRedis = QueueAgainstRedis.TestCase
TestQueueAgainstRedis.settings = settings(max_examples=40, stateful_step_count=25)


def offered(*samples):
    queue = LaunchQueue(state(), "abcd1234", 1)
    for sample in samples:
        queue.add(sample)
    return queue


def test_batches_are_bounded_in_number_and_bytes() -> None:
    assert len(offered(*[Sample(n) for n in range(BATCH_ENTRIES + 1)]).next_batch(NOW_MS).exchanges) == BATCH_ENTRIES
    assert len(offered(*[Sample(n, BATCH_BYTES // 3) for n in range(9)]).next_batch(NOW_MS).exchanges) == 2
    assert len(offered(*[Sample(n, BATCH_BYTES * 2) for n in range(2)]).next_batch(NOW_MS).exchanges) == 1


def test_a_batch_in_doubt_is_offered_again_as_it_was_and_survives_refusals_and_pauses() -> None:
    queue = offered(Sample(1), Sample(2))
    batch = queue.next_batch(NOW_MS)
    queue.record_no_reply()
    queue.add(Sample(3))
    queue.record_refused("oom")
    queue.apply_state(state(LaunchStatus.PAUSED))
    assert queue.next_batch(NOW_MS) is batch
    assert (queue.seq, dict(queue.dropped)) == (0, {"paused": 1})
    queue.record_admitted(2)
    assert (queue.seq, queue.waiting) == (2, 0)


def test_numbers_of_a_refused_batch_are_used_again() -> None:
    queue = offered(Sample(1), Sample(2))
    assert queue.next_batch(NOW_MS).first_seq == 1
    queue.record_refused("redis_down")
    queue.add(Sample(3))
    assert queue.next_batch(NOW_MS).first_seq == 1
    queue.record_admitted(1)
    assert (queue.seq, dict(queue.dropped)) == (1, {"redis_down": 2})


@pytest.mark.parametrize(
    ("present", "reason"),
    [
        (state(LaunchStatus.PAUSED), "paused"),
        (state(LaunchStatus.PROMOTED), "paused"),
        (None, "paused"),
        (state(LaunchStatus.ROLLED_BACK), "superseded_by_rollback"),
        (state(hold=True), "superseded_by_rollback"),
    ],
)
def test_what_waits_for_a_stopped_launch_is_dropped_with_the_reason(present, reason) -> None:
    queue = offered(Sample(1), Sample(2))
    queue.apply_state(present)
    queue.add(Sample(3))
    assert dict(queue.dropped) == {reason: 3}
    queue.apply_state(state())
    queue.add(Sample(4))
    assert queue.waiting == 1


def test_what_waited_too_long_is_dropped_as_stale_and_what_json_cannot_hold_as_bad_input() -> None:
    queue = offered(Sample(1, captured_at_ms=NOW_MS - 300_001), Sample(2), Sample(3, size=-1))
    assert [exchange.meta for exchange in queue.next_batch(NOW_MS).exchanges] == [b"2"]
    assert dict(queue.dropped) == {"stale": 1, "bad_input": 1}


def test_more_header_fields_than_workers_read_are_dropped_as_too_large() -> None:
    queue = offered(Sample("9" * META_CAP_BYTES + "9"), Sample("9" * META_CAP_BYTES))
    assert len(queue.next_batch(NOW_MS).exchanges) == 1
    assert queue.dropped == {"too_large": 1}


def test_counters_say_where_everything_is() -> None:
    queue = offered(Sample(1), Sample(2))
    assert queue.has_unreported_counts()
    queue.next_batch(NOW_MS)
    queue.record_admitted(1)
    queue.skipped["streaming"] += 1
    counters = queue.build_counters(int(time.time() * 1000), closed=True)
    assert (counters.seq, counters.sampled, counters.dropped, counters.skipped, counters.closed) == (
        1, 2, {"shed": 1}, {"streaming": 1}, True,
    )  # fmt: skip
    queue.mark_reported()
    assert not queue.has_unreported_counts()
