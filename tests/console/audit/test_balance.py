from dataclasses import replace

from darklaunch_console.audit.balance import ProducerFigures, RecordSnapshot, ShardSnapshot, compute_account
from darklaunch_console.audit.stream_entries import StreamEntries
from darklaunch_shared.keys import shard_of
from hypothesis import given
from hypothesis import strategies as st

EMPTY = RecordSnapshot([], {})


def record(*said, **tally):
    return RecordSnapshot(list(said), {(outcome, ""): number for outcome, number in tally.items()})


def test_nothing_sampled_balances():
    account = compute_account(EMPTY, [ShardSnapshot({}, [], 0, 0)], EMPTY, frozenset())
    assert account.balanced
    assert (account.sampled, account.finished, account.on_its_way) == (0, 0, 0)


def test_every_exchange_recorded():
    rows = record(ProducerFigures("p", seq=10, sampled=10, recorded=10), matched=8, mismatched=2)
    account = compute_account(
        rows, [ShardSnapshot({"p": 10}, [ProducerFigures("p", 10, 10)], 0, 0)], rows, frozenset({"p"})
    )
    assert account.balanced
    assert (account.sampled, account.finished, account.on_its_way) == (10, 10, 0)
    assert account.outcomes == {"matched": 8, "mismatched": 2}


def test_what_is_on_its_way_is_not_lost():
    """20 sampled: 2 dropped before the stream, 3 in the buffer, 4 on captures, 1 on replays, 10 recorded."""
    rows = record(ProducerFigures("p", recorded=10), matched=10)
    said = ProducerFigures("p", seq=15, sampled=20, dropped={"buffer_full": 2})
    account = compute_account(rows, [ShardSnapshot({"p": 15}, [said], 4, 1)], rows, frozenset({"p"}))
    assert account.balanced
    assert (account.sampled, account.finished, account.on_its_way) == (20, 12, 8)
    assert account.dropped == {"buffer_full": 2}
    assert account.buffered == 3


def test_what_is_neither_recorded_nor_on_a_stream_is_lost():
    rows = record(ProducerFigures("p", recorded=10), matched=10)
    account = compute_account(
        rows, [ShardSnapshot({"p": 15}, [ProducerFigures("p", 15, 15)], 2, 1)], rows, frozenset({"p"})
    )
    assert not account.balanced
    assert (account.lost, account.on_its_way, account.finished) == (2, 3, 10)


def test_rows_recorded_after_redis_was_looked_at_are_no_loss_and_no_surplus():
    before, after = (
        record(ProducerFigures("p", recorded=5), matched=5),
        record(ProducerFigures("p", recorded=9), matched=9),
    )
    account = compute_account(
        before, [ShardSnapshot({"p": 8}, [ProducerFigures("p", 8, 8)], 1, 2)], after, frozenset({"p"})
    )
    assert account.balanced
    assert (account.sampled, account.finished, account.on_its_way) == (9, 9, 0)


def test_counters_that_lag_behind_the_stream_count_for_less_than_the_stream():
    rows = record(ProducerFigures("p", recorded=7), matched=7)
    account = compute_account(
        rows, [ShardSnapshot({"p": 7}, [ProducerFigures("p", 3, 3)], 0, 0)], rows, frozenset({"p"})
    )
    assert account.balanced
    assert account.sampled == 7


def test_a_flushed_redis_shows_by_what_the_record_remembers():
    rows = record(ProducerFigures("p", seq=50, sampled=50, recorded=40), matched=40)
    account = compute_account(rows, [ShardSnapshot({}, [], 0, 0)], rows, frozenset())
    assert account.lost == 10


def test_what_a_killed_process_held_is_told_apart():
    rows = record(ProducerFigures("p", recorded=5), matched=5)
    book = ShardSnapshot({"p": 5}, [ProducerFigures("p", 5, 8)], 0, 0)
    dead = compute_account(rows, [book], rows, frozenset())
    assert dead.balanced
    assert (dead.killed, dead.on_its_way, dead.sampled, dead.finished) == (3, 0, 8, 5)
    alive = compute_account(rows, [book], rows, frozenset({"p"}))
    assert (alive.killed, alive.on_its_way) == (0, 3)


def test_a_process_that_has_closed_holds_nothing():
    rows = record(ProducerFigures("p", recorded=5), matched=5)
    account = compute_account(
        rows, [ShardSnapshot({"p": 5}, [ProducerFigures("p", 5, 8, closed=True)], 0, 0)], rows, frozenset()
    )
    assert (account.killed, account.sampled) == (0, 5)


def test_a_record_that_disagrees_with_itself_does_not_balance():
    rows = record(ProducerFigures("p", recorded=5), matched=4)
    account = compute_account(rows, [ShardSnapshot({"p": 5}, [ProducerFigures("p", 5, 5)], 0, 0)], rows, frozenset())
    assert not account.balanced
    assert account.disagreement == -1


def test_drops_in_the_record_and_before_the_stream_are_added_by_reason():
    rows = RecordSnapshot([ProducerFigures("p", recorded=3)], {("matched", ""): 1, ("dropped", "stale"): 2})
    said = ProducerFigures("p", 3, 6, {"stale": 1, "too_large": 2})
    account = compute_account(rows, [ShardSnapshot({"p": 3}, [said], 0, 0)], rows, frozenset())
    assert account.dropped == {"stale": 3, "too_large": 2}
    assert account.finished == 6


def test_a_loss_in_one_shard_is_not_made_up_for_by_the_backlog_of_another():
    rows = record(ProducerFigures("a", recorded=0), ProducerFigures("b", recorded=0))
    first, second = ShardSnapshot({"a": 5}, [], 0, 0), ShardSnapshot({"b": 5}, [], 5, 0)
    assert compute_account(rows, [first, second], rows, frozenset()).lost == 5


def test_a_producer_that_redis_forgot_belongs_to_its_own_shard():
    producer = next(name for name in map(str, range(100)) if shard_of(name, 2) == 1)
    rows = record(ProducerFigures(producer, seq=5, recorded=3), matched=3)
    on_its_way = compute_account(rows, [ShardSnapshot({}, [], 0, 0), ShardSnapshot({}, [], 0, 2)], rows, frozenset())
    assert (on_its_way.lost, on_its_way.on_its_way) == (0, 2)
    elsewhere = compute_account(rows, [ShardSnapshot({}, [], 0, 2), ShardSnapshot({}, [], 0, 0)], rows, frozenset())
    assert elsewhere.lost == 2


def test_foreign_entries_hide_no_loss_where_entries_are_counted():
    rows = record(ProducerFigures("a"), ProducerFigures("b", recorded=1), matched=1)
    book = ShardSnapshot({"a": 5, "b": 2}, [], 5, 0, {"a": StreamEntries(2, 1), "": StreamEntries(2)})
    account = compute_account(rows, [book], rows, frozenset())
    assert [producer.gap for producer in account.producers] == [2, 1]
    assert (account.lost, account.foreign_entries) == (3, StreamEntries(2))
    uncounted = compute_account(rows, [ShardSnapshot({"a": 5, "b": 2}, [], 5, 0)], rows, frozenset())
    assert (uncounted.lost, uncounted.entries, uncounted.producers[0].gap) == (1, None, None)


class Life:
    """A producer's exchanges, each somewhere; what an audit would read of them at any moment."""

    def __init__(self, places):
        self.places = list(places)

    def count(self, *wanted):
        return sum(place in wanted for place in self.places)

    @property
    def admitted(self):
        return self.count("captures", "replays", "recorded", "lost")

    def record(self):
        return record(ProducerFigures("p", recorded=self.count("recorded")), matched=self.count("recorded"))

    def book(self, lag=0, meanwhile=()):
        """Read one shard, and count its entries while some of them move on."""
        sampled = self.count("buffer", "dropped") + self.admitted
        said = ProducerFigures("p", max(0, self.admitted - lag), max(0, sampled - lag), {"shed": self.count("dropped")})
        book = ShardSnapshot({"p": self.admitted}, [said], self.count("captures"), self.count("replays"))
        captures = self.count("captures")
        moved(self, meanwhile)
        return replace(book, entries={"p": StreamEntries(captures, 0, self.count("replays"))})


NEXT = {"buffer": "captures", "captures": "replays", "replays": "recorded"}
places = st.lists(st.sampled_from(["buffer", "dropped", "captures", "replays", "recorded", "lost"]), max_size=30)


def moved(life, steps):
    """Move exchanges on, one step each time its turn comes; none is lost on the way."""
    for step in steps:
        if life.places:
            at = step % len(life.places)
            life.places[at] = NEXT.get(life.places[at], life.places[at])


@given(places)
def test_without_traffic_the_figures_are_exact(found):
    life = Life(found)
    account = compute_account(life.record(), [life.book()], life.record(), frozenset({"p"}))
    assert account.sampled == len(found)
    assert account.lost == life.count("lost")
    assert account.on_its_way == life.count("buffer", "captures", "replays")
    assert account.finished == life.count("recorded", "dropped")
    assert [producer.gap for producer in account.producers] == ([life.count("lost")] if account.producers else [])


steps = st.lists(st.integers(0, 29), max_size=40)


@given(places, steps, steps, steps, st.integers(0, 5))
def test_under_traffic_nothing_is_called_lost_that_is_not(found, first, meanwhile, second, lag):
    life = Life(found)
    before = life.record()
    moved(life, first)
    book = life.book(lag, meanwhile)
    moved(life, second)
    account = compute_account(before, [book], life.record(), frozenset({"p"}))
    assert account.lost <= life.count("lost")
    assert account.sampled == account.finished + account.on_its_way + account.lost + account.killed
