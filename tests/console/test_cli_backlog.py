from darklaunch_console.maintaining.backlog import measure
from darklaunch_console.traffic import Shard, Sight, Stream
from darklaunch_shared import keys
from darklaunch_shared.launch import LaunchSpec, LaunchState, Status

from .cli_lab import Cli, closed_port, fields, redis_client


def sight(*, captures=(0, 0, 0.0), replays=(0, 0, 0.0), dead=0, **ledger):
    shards = Shard(
        *(Stream(length, held, age, None, (0, 0)) for length, held, age in (captures, replays)), dead, ledger, []
    )
    return Sight((shards,), frozenset())


def test_a_row_is_the_second_look_with_rates_from_both():
    state = LaunchState("a", Status.ACTIVE, 10, False, 1, LaunchSpec("http://h"))
    before = sight(replayed=100, recorded=90)
    after = sight(captures=(43, 31, 0.4), replays=(2, 1, 1.5), dead=3, replayed=516, recorded=504)
    row = measure(state, before, after, 2.0, 4)
    assert (row.waiting, row.in_flight, row.to_compare, row.dead, row.workers) == (12, 31, 2, 3, 4)
    assert (row.replayed_per_s, row.compared_per_s) == (208.0, 207.0)
    assert row.oldest_s == 1.5


def test_counters_that_were_flushed_give_no_negative_rate():
    state = LaunchState("a", Status.ACTIVE, 10, False, 1, LaunchSpec("http://h"))
    assert measure(state, sight(replayed=100), sight(replayed=1), 1.0, 0).replayed_per_s == 0


def test_what_waits_is_shown(cli, launch_name):
    cli.ok("start", launch_name, "--shadow", f"http://127.0.0.1:{closed_port()}")
    with redis_client(cli.redis_url) as redis:
        for number in range(3):
            redis.execute_command("XADD", keys.captures(launch_name), "*", *fields(launch_name, number))
        redis.execute_command("XGROUP", "CREATE", keys.captures(launch_name), "workers", "0")
        taken = ("XREADGROUP", "GROUP", "workers", "c", "COUNT", 1, "STREAMS", keys.captures(launch_name), ">")
        redis.execute_command(*taken)
    (row,) = cli.json("backlog", launch_name)["launches"]
    assert (row["launch"], row["waiting"], row["in_flight"], row["status"]) == (launch_name, 2, 1, "active")
    assert row["oldest_s"] >= 1.0
    head, line = cli.ok("backlog", launch_name).splitlines()[:2]
    assert head.startswith("launch")
    assert line.split()[:3] == [launch_name, "2", "1"]


def test_without_launches_it_says_how_to_begin(own_valkey, cli):
    alone = Cli(own_valkey.url, None, cli.home)
    assert alone.ok("backlog").startswith("There is no launch yet: start one with")
    assert alone.json("backlog")["launches"] == []


def test_an_unknown_launch_is_named(cli):
    assert 'there is no launch "nobodys"' in cli.error("backlog", "nobodys", code=1)
