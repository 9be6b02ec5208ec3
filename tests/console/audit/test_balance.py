from dataclasses import replace

from darklaunch_console.audit.balance import ProducerBook, RecordedBook, ShardBook, balance_books
from darklaunch_console.audit.stream_entries import StreamEntries
from darklaunch_shared.keys import shard_of
from hypothesis import given
from hypothesis import strategies as st

EMPTY = RecordedBook([], {})


def record(*said, **tally):
    return RecordedBook(list(said), {(outcome, ""): number for outcome, number in tally.items()})


def test_nothing_sampled_balances():
    account = balance_books(EMPTY, [ShardBook({}, [], 0, 0)], EMPTY, frozenset())
    assert account.balanced
    assert (account.sampled, account.settled, account.on_its_way) == (0, 0, 0)


def test_every_exchange_recorded():
    rows = record(ProducerBook("p", seq=10, sampled=10, recorded=10), matched=8, mismatched=2)
    account = balance_books(rows, [ShardBook({"p": 10}, [ProducerBook("p", 10, 10)], 0, 0)], rows, frozenset({"p"}))
    assert account.balanced
    assert (account.sampled, account.settled, account.on_its_way) == (10, 10, 0)
    assert account.outcomes == {"matched": 8, "mismatched": 2}


def test_what_is_on_its_way_is_not_lost():
    """20 sampled: 2 dropped before the stream, 3 in the outbox, 4 on captures, 1 on replays, 10 recorded."""
    rows = record(ProducerBook("p", recorded=10), matched=10)
    said = ProducerBook("p", seq=15, sampled=20, dropped={"outbox_full": 2})
    account = balance_books(rows, [ShardBook({"p": 15}, [said], 4, 1)], rows, frozenset({"p"}))
    assert account.balanced
    assert (account.sampled, account.settled, account.on_its_way) == (20, 12, 8)
    assert account.dropped == {"outbox_full": 2}
    assert account.outboxes == 3


def test_what_is_neither_recorded_nor_on_a_stream_is_lost():
    rows = record(ProducerBook("p", recorded=10), matched=10)
    account = balance_books(rows, [ShardBook({"p": 15}, [ProducerBook("p", 15, 15)], 2, 1)], rows, frozenset({"p"}))
    assert not account.balanced
    assert (account.lost, account.on_its_way, account.settled) == (2, 3, 10)


def test_rows_recorded_after_redis_was_looked_at_are_no_loss_and_no_surplus():
    before, after = record(ProducerBook("p", recorded=5), matched=5), record(ProducerBook("p", recorded=9), matched=9)
    account = balance_books(before, [ShardBook({"p": 8}, [ProducerBook("p", 8, 8)], 1, 2)], after, frozenset({"p"}))
    assert account.balanced
    assert (account.sampled, account.settled, account.on_its_way) == (9, 9, 0)


def test_counters_that_lag_behind_the_stream_count_for_less_than_the_stream():
    rows = record(ProducerBook("p", recorded=7), matched=7)
    account = balance_books(rows, [ShardBook({"p": 7}, [ProducerBook("p", 3, 3)], 0, 0)], rows, frozenset({"p"}))
    assert account.balanced
    assert account.sampled == 7


def test_a_flushed_redis_shows_by_what_the_record_remembers():
    rows = record(ProducerBook("p", seq=50, sampled=50, recorded=40), matched=40)
    account = balance_books(rows, [ShardBook({}, [], 0, 0)], rows, frozenset())
    assert account.lost == 10


def test_what_a_killed_process_held_is_told_apart():
    rows = record(ProducerBook("p", recorded=5), matched=5)
    book = ShardBook({"p": 5}, [ProducerBook("p", 5, 8)], 0, 0)
    dead = balance_books(rows, [book], rows, frozenset())
    assert dead.balanced
    assert (dead.killed, dead.on_its_way, dead.sampled, dead.settled) == (3, 0, 8, 5)
    alive = balance_books(rows, [book], rows, frozenset({"p"}))
    assert (alive.killed, alive.on_its_way) == (0, 3)


def test_a_process_that_has_closed_holds_nothing():
    rows = record(ProducerBook("p", recorded=5), matched=5)
    account = balance_books(
        rows, [ShardBook({"p": 5}, [ProducerBook("p", 5, 8, closed=True)], 0, 0)], rows, frozenset()
    )
    assert (account.killed, account.sampled) == (0, 5)


def test_a_record_that_disagrees_with_itself_does_not_balance():
    rows = record(ProducerBook("p", recorded=5), matched=4)
    account = balance_books(rows, [ShardBook({"p": 5}, [ProducerBook("p", 5, 5)], 0, 0)], rows, frozenset())
    assert not account.balanced
    assert account.disagreement == -1


def test_drops_in_the_record_and_before_the_stream_are_added_by_reason():
    rows = RecordedBook([ProducerBook("p", recorded=3)], {("matched", ""): 1, ("dropped", "stale"): 2})
    said = ProducerBook("p", 3, 6, {"stale": 1, "too_large": 2})
    account = balance_books(rows, [ShardBook({"p": 3}, [said], 0, 0)], rows, frozenset())
    assert account.dropped == {"stale": 3, "too_large": 2}
    assert account.settled == 6


def test_a_loss_in_one_shard_is_not_made_up_for_by_the_backlog_of_another():
    rows = record(ProducerBook("a", recorded=0), ProducerBook("b", recorded=0))
    first, second = ShardBook({"a": 5}, [], 0, 0), ShardBook({"b": 5}, [], 5, 0)
    assert balance_books(rows, [first, second], rows, frozenset()).lost == 5


def test_a_producer_that_redis_forgot_belongs_to_its_own_shard():
    producer = next(name for name in map(str, range(100)) if shard_of(name, 2) == 1)
    rows = record(ProducerBook(producer, seq=5, recorded=3), matched=3)
    on_its_way = balance_books(rows, [ShardBook({}, [], 0, 0), ShardBook({}, [], 0, 2)], rows, frozenset())
    assert (on_its_way.lost, on_its_way.on_its_way) == (0, 2)
    elsewhere = balance_books(rows, [ShardBook({}, [], 0, 2), ShardBook({}, [], 0, 0)], rows, frozenset())
    assert elsewhere.lost == 2


def test_what_strangers_wrote_hides_no_loss_where_entries_are_counted():
    rows = record(ProducerBook("a"), ProducerBook("b", recorded=1), matched=1)
    book = ShardBook({"a": 5, "b": 2}, [], 5, 0, {"a": StreamEntries(2, 1), "": StreamEntries(2)})
    account = balance_books(rows, [book], rows, frozenset())
    assert [line.gap for line in account.lines] == [2, 1]
    assert (account.lost, account.strangers) == (3, StreamEntries(2))
    uncounted = balance_books(rows, [ShardBook({"a": 5, "b": 2}, [], 5, 0)], rows, frozenset())
    assert (uncounted.lost, uncounted.held, uncounted.lines[0].gap) == (1, None, None)


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
        return record(ProducerBook("p", recorded=self.count("recorded")), matched=self.count("recorded"))

    def book(self, lag=0, meanwhile=()):
        """Read one shard, and count its entries while some of them move on."""
        sampled = self.count("outbox", "dropped") + self.admitted
        said = ProducerBook("p", max(0, self.admitted - lag), max(0, sampled - lag), {"shed": self.count("dropped")})
        book = ShardBook({"p": self.admitted}, [said], self.count("captures"), self.count("replays"))
        captures = self.count("captures")
        moved(self, meanwhile)
        return replace(book, held={"p": StreamEntries(captures, 0, self.count("replays"))})


NEXT = {"outbox": "captures", "captures": "replays", "replays": "recorded"}
places = st.lists(st.sampled_from(["outbox", "dropped", "captures", "replays", "recorded", "lost"]), max_size=30)


def moved(life, steps):
    """Let exchanges move on, one step each time its turn comes; none is lost on the way."""
    for step in steps:
        if life.places:
            at = step % len(life.places)
            life.places[at] = NEXT.get(life.places[at], life.places[at])


@given(places)
def test_without_traffic_the_figures_are_exact(found):
    life = Life(found)
    account = balance_books(life.record(), [life.book()], life.record(), frozenset({"p"}))
    assert account.sampled == len(found)
    assert account.lost == life.count("lost")
    assert account.on_its_way == life.count("outbox", "captures", "replays")
    assert account.settled == life.count("recorded", "dropped")
    assert [line.gap for line in account.lines] == ([life.count("lost")] if account.lines else [])


steps = st.lists(st.integers(0, 29), max_size=40)


@given(places, steps, steps, steps, st.integers(0, 5))
def test_under_traffic_nothing_is_called_lost_that_is_not(found, first, meanwhile, second, lag):
    life = Life(found)
    before = life.record()
    moved(life, first)
    book = life.book(lag, meanwhile)
    moved(life, second)
    account = balance_books(before, [book], life.record(), frozenset({"p"}))
    assert account.lost <= life.count("lost")
    assert account.sampled == account.settled + account.on_its_way + account.lost + account.killed
