"""The backlog of a launch from two looks at its streams."""

from darklaunch_console.launches.backlog import measure_backlog
from darklaunch_console.stores.streams import ShardState, StreamsState, StreamState
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus


def sight(*, captures=(0, 0, 0.0), replays=(0, 0, 0.0), dead=0, **ledger):
    streams = [StreamState(length, pending, age, None, (0, 0)) for length, pending, age in (captures, replays)]
    shard = ShardState(captures=streams[0], replays=streams[1], dead=dead, ledger=ledger, producers=[])
    return StreamsState((shard,), frozenset())


def test_a_row_is_the_second_look_with_rates_from_both():
    state = LaunchState("a", LaunchStatus.ACTIVE, 10, False, 1, LaunchSpec("http://h"))
    before = sight(replayed=100, recorded=90)
    after = sight(captures=(43, 31, 0.4), replays=(2, 1, 1.5), dead=3, replayed=516, recorded=504)
    row = measure_backlog(state, before, after, 2.0, 4)
    assert (row.waiting, row.in_flight, row.to_compare, row.dead, row.workers) == (12, 31, 2, 3, 4)
    assert (row.replayed_per_s, row.compared_per_s) == (208.0, 207.0)
    assert row.oldest_s == 1.5


def test_counters_that_were_flushed_give_no_negative_rate():
    state = LaunchState("a", LaunchStatus.ACTIVE, 10, False, 1, LaunchSpec("http://h"))
    assert measure_backlog(state, sight(replayed=100), sight(replayed=1), 1.0, 0).replayed_per_s == 0
