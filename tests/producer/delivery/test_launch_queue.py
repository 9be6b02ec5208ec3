"""Numbers and counts of one launch's way out, against a Redis that may answer anything at any time."""

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
        self.mark, self.size, self.captured_at_ms, self.settled = mark, size, captured_at_ms, 0

    def parcel(self, launch: str, identity: str, *, seal: bool) -> PackedExchange:
        if self.size < 0:
            raise orjson.JSONEncodeError("a lone surrogate")
        return PackedExchange(str(self.mark).encode(), b"", bytes(self.size))

    def settle(self) -> None:
        self.settled += 1


class Redis:
    """What admit.lua does: a stream with a bound, and the highest number of the producer."""

    def __init__(self) -> None:
        self.entries: dict[int, bytes] = {}
        self.highest = 0

    def admit(self, call, room: int) -> int:
        first, parcels = call.args[2], call.args[3::3]
        taken = 0
        for seq, meta in enumerate(parcels, first):
            if seq > self.highest:
                if not room:
                    break
                room -= 1
                assert seq not in self.entries
                self.entries[seq] = meta
                self.highest = seq
            taken += 1
        return taken


class LaneAgainstRedis(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.lane, self.redis = LaunchQueue(state(), "abcd1234", 1), Redis()
        self.samples: list[Sample] = []
        self.closed = False

    @rule(count=st.integers(1, 130), size=st.sampled_from([1, 20_000, BATCH_BYTES]))
    def offer(self, count, size):
        for _ in range(count if size == 1 else min(count, 4)):
            self.samples.append(Sample(len(self.samples), size))
            self.lane.offer(self.samples[-1])

    @rule()
    def lose(self):
        self.lane.lose("too_large")

    @rule(room=st.integers(0, 150))
    def answered(self, room):
        if batch := self.lane.next_batch(NOW_MS):
            self.lane.admitted(self.redis.admit(self.lane.admission(batch), room))

    @rule(room=st.integers(0, 150), arrived=st.booleans())
    def reply_lost(self, room, arrived):
        if batch := self.lane.next_batch(NOW_MS):
            if arrived:
                self.redis.admit(self.lane.admission(batch), room)
            self.lane.unanswered()

    @rule(reason=st.sampled_from(["oom", "redis_down"]))
    def refused(self, reason):
        if self.lane.next_batch(NOW_MS):
            self.lane.refused(reason)

    @rule(present=st.sampled_from([state(), state(LaunchStatus.PAUSED), state(hold=True), None]))
    def obey(self, present):
        self.lane.obey(present)

    @invariant()
    def balances(self):
        lane = self.lane
        assert lane.sampled == lane.seq + lane.dropped.total() + lane.waiting
        assert set(range(1, lane.seq + 1)) <= self.redis.entries.keys()
        assert all(sample.settled <= 1 for sample in self.samples)
        assert sum(not sample.settled for sample in self.samples) == lane.waiting

    def teardown(self):
        if not hasattr(self, "lane"):
            return
        in_doubt = self.lane.waiting
        self.lane.close()
        assert self.lane.waiting == 0
        assert self.lane.sampled == self.lane.seq + self.lane.dropped.total()
        assert self.lane.seq <= self.redis.highest + in_doubt
        assert self.redis.highest <= self.lane.seq  # nothing is on the stream that the count does not know
        marks = [int(self.redis.entries[seq]) for seq in sorted(self.redis.entries)]
        assert marks == sorted(set(marks))  # in order, none twice


TestLaneAgainstRedis = LaneAgainstRedis.TestCase
TestLaneAgainstRedis.settings = settings(max_examples=40, stateful_step_count=25)


def offered(*samples):
    lane = LaunchQueue(state(), "abcd1234", 1)
    for sample in samples:
        lane.offer(sample)
    return lane


def test_batches_are_bounded_in_number_and_bytes():
    assert len(offered(*[Sample(n) for n in range(BATCH_ENTRIES + 1)]).next_batch(NOW_MS).parcels) == BATCH_ENTRIES
    assert len(offered(*[Sample(n, BATCH_BYTES // 3) for n in range(9)]).next_batch(NOW_MS).parcels) == 2
    assert len(offered(*[Sample(n, BATCH_BYTES * 2) for n in range(2)]).next_batch(NOW_MS).parcels) == 1


def test_a_batch_in_doubt_is_offered_again_as_it_was_and_survives_refusals_and_pauses():
    lane = offered(Sample(1), Sample(2))
    batch = lane.next_batch(NOW_MS)
    lane.unanswered()
    lane.offer(Sample(3))
    lane.refused("oom")
    lane.obey(state(LaunchStatus.PAUSED))
    assert lane.next_batch(NOW_MS) is batch
    assert (lane.seq, dict(lane.dropped)) == (0, {"paused": 1})
    lane.admitted(2)
    assert (lane.seq, lane.waiting) == (2, 0)


def test_numbers_of_a_refused_batch_are_used_again():
    lane = offered(Sample(1), Sample(2))
    assert lane.next_batch(NOW_MS).first == 1
    lane.refused("redis_down")
    lane.offer(Sample(3))
    assert lane.next_batch(NOW_MS).first == 1
    lane.admitted(1)
    assert (lane.seq, dict(lane.dropped)) == (1, {"redis_down": 2})


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
def test_what_waits_for_a_stopped_launch_is_dropped_with_the_reason(present, reason):
    lane = offered(Sample(1), Sample(2))
    lane.obey(present)
    lane.offer(Sample(3))
    assert dict(lane.dropped) == {reason: 3}
    lane.obey(state())
    lane.offer(Sample(4))
    assert lane.waiting == 1


def test_what_waited_too_long_is_dropped_as_stale_and_what_json_cannot_hold_as_bad_input():
    lane = offered(Sample(1, captured_at_ms=NOW_MS - 300_001), Sample(2), Sample(3, size=-1))
    assert [parcel.meta for parcel in lane.next_batch(NOW_MS).parcels] == [b"2"]
    assert dict(lane.dropped) == {"stale": 1, "bad_input": 1}


def test_more_header_fields_than_workers_read_are_dropped_as_too_large():
    lane = offered(Sample("9" * META_CAP_BYTES + "9"), Sample("9" * META_CAP_BYTES))
    assert len(lane.next_batch(NOW_MS).parcels) == 1
    assert lane.dropped == {"too_large": 1}


def test_counters_say_where_everything_is():
    lane = offered(Sample(1), Sample(2))
    assert lane.changed()
    lane.next_batch(NOW_MS)
    lane.admitted(1)
    lane.skipped["streaming"] += 1
    counters = lane.counters(int(time.time() * 1000), closed=True)
    assert (counters.seq, counters.sampled, counters.dropped, counters.skipped, counters.closed) == (
        1, 2, {"shed": 1}, {"streaming": 1}, True,
    )  # fmt: skip
    lane.reported()
    assert not lane.changed()
