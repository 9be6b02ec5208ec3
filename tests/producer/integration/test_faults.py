"""Redis absent, stopped, full, mute or flushed: users get their responses, and every exchange is accounted for."""

from __future__ import annotations

import os
import signal

from darklaunch_shared import keys

from tests.support.hook import Launch, eventually, free_port
from tests.support.hooked_app import HookedApp


def config(app: HookedApp, name: str, value: str) -> None:
    app.launch.redis.execute_command("CONFIG", "SET", name, value)


def test_what_is_under_way_when_a_launch_is_rolled_back_is_dropped_and_counted(make_app, proxy) -> None:
    app = make_app(through=proxy)
    app.begin()
    app.ask(1)
    assert eventually(lambda: app.on_stream == 1)
    proxy.mute_at_write = True
    app.ask(3)
    assert eventually(lambda: app.on_stream > 1)
    written = app.on_stream  # in doubt: the hook does not know
    app.ask(4)
    app.launch.publish("rolled_back")
    proxy.mute = proxy.mute_at_write = False
    assert eventually(lambda: not app.sampling())
    assert app.end() == {"superseded_by_rollback": 8 - written}
    assert app.on_stream == written


def test_lost_replies_add_nothing_twice(make_app, proxy) -> None:
    app = make_app(through=proxy)
    app.begin()
    app.ask(10)
    assert eventually(lambda: app.on_stream == 10)
    for _ in range(2):
        before = app.on_stream
        proxy.mute_at_write = True
        app.ask(10)
        assert app.stream_reaches(before + 10)
        proxy.mute = proxy.mute_at_write = False
        app.ask(10)
        assert app.stream_reaches(before + 20)
    assert app.end() == {}


def test_a_batch_in_doubt_at_the_end_counts_as_written(make_app, proxy) -> None:
    app = make_app(through=proxy)
    app.begin()
    app.ask(5)
    assert eventually(lambda: app.launch.ledger("seq") == 5)
    proxy.mute_at_write = True
    app.ask(5)
    assert eventually(lambda: app.on_stream == 10)
    delivery = app.delivery
    app.recorder.stop(for_good=True)
    assert eventually(lambda: not delivery._thread.is_alive())
    queue = delivery._queues["faults"]
    assert (queue.sampled, queue.seq, queue.waiting, queue.dropped) == (10, 10, 0, {})


def test_a_redis_that_refuses_connections_costs_a_batch_and_no_number(make_app, proxy, caplog) -> None:
    app = make_app(through=proxy)
    app.begin()
    app.ask(5)
    assert eventually(lambda: app.on_stream == 5)
    proxy.close()
    app.ask(20)
    assert eventually(lambda: "refused the connection" in caplog.text)
    assert "the app is not affected" in caplog.text
    app.ask(20)
    assert eventually(lambda: app.delivery._backoff.failures > 2)
    assert "darklaunch can use Redis again" not in caplog.text
    proxy.listen()
    assert eventually(lambda: "darklaunch can use Redis again" in caplog.text)
    app.ask(5)
    assert eventually(lambda: app.on_stream + app.launch.ledger("dropped:redis_down") == 50)
    dropped = app.end()
    assert set(dropped) <= {"redis_down"}
    assert app.launch.ledger("seq") == 50 - dropped["redis_down"]  # the numbers were used for what came after


def test_an_absent_redis_is_waited_for(valkey, proxy, caplog) -> None:
    proxy.close()
    app = HookedApp(valkey, through=proxy)
    app.launch.publish()
    app.ask(3)
    assert eventually(lambda: "refused the connection" in caplog.text)
    proxy.listen()
    assert eventually(app.sampling)
    app.ask(3)
    assert eventually(lambda: app.on_stream == 3)
    assert app.end() == {}


def test_a_stopped_redis_is_not_noticed_by_users_and_nothing_is_written_twice(make_app, valkey) -> None:
    app = make_app()
    app.begin()
    app.ask(5)
    assert eventually(lambda: app.on_stream == 5)
    os.kill(valkey.process.pid, signal.SIGSTOP)
    try:
        app.ask(200)
        assert eventually(app.in_trouble)
        app.ask(200)
    finally:
        os.kill(valkey.process.pid, signal.SIGCONT)
    assert eventually(lambda: app.on_stream == 405)
    assert app.end() == {}


def test_a_full_redis_drops_and_counts_and_goes_on_when_there_is_room(make_app) -> None:
    app = make_app()
    app.begin()
    app.ask(5)
    assert eventually(lambda: app.launch.ledger("seq") == 5)
    config(app, "maxmemory", "1")
    app.ask(30)
    assert eventually(lambda: app.dropped("oom"))
    config(app, "maxmemory", "0")
    app.ask(5)
    assert eventually(lambda: app.on_stream + app.dropped("oom") == 40)
    assert set(app.end()) == {"oom"}


def test_a_read_only_replica_is_a_refusal(make_app) -> None:
    app = make_app()
    app.begin()
    app.launch.redis.execute_command("REPLICAOF", "127.0.0.1", free_port())
    app.ask(10)
    assert eventually(lambda: app.dropped("redis_down") == 10)
    app.launch.redis.execute_command("REPLICAOF", "NO", "ONE")
    app.ask(5)
    assert eventually(lambda: app.on_stream == 5)
    assert app.end() == {"redis_down": 10}


def test_writes_that_hang_do_not_keep_control_state_from_being_read(make_app, monkeypatch) -> None:
    monkeypatch.setattr("darklaunch_shared.launch.states.STALE_S", 2.0)
    app = make_app()
    app.begin()
    app.ask(5)
    assert eventually(lambda: app.on_stream == 5)
    app.launch.redis.execute_command("CLIENT", "PAUSE", "60000", "WRITE")
    app.ask(5)
    assert eventually(lambda: app.delivery._write_backoff.failures == 3)  # each takes a second
    assert app.sampling()
    app.launch.redis.execute_command("CLIENT", "UNPAUSE")
    assert eventually(lambda: app.on_stream == 10)
    assert app.end() == {}


def test_scripts_that_were_flushed_are_loaded_again_and_flushed_data_is_started_over(make_app) -> None:
    app = make_app()
    app.begin()
    app.ask(5)
    assert eventually(lambda: app.on_stream == 5)
    app.launch.redis.execute_command("SCRIPT", "FLUSH")
    app.ask(5)
    assert eventually(lambda: app.on_stream == 10)
    app.launch.redis.execute_command("FLUSHALL")
    assert eventually(lambda: not app.sampling())
    app.launch.publish()
    assert eventually(app.sampling)
    app.ask(5)
    assert eventually(lambda: app.on_stream == 5)
    app.recorder.stop(for_good=True)
    (counters,) = app.launch.counters()
    assert (counters.sampled, counters.seq) == (15, 15)  # numbers 1 to 10 are lost, which is for the gap detector
    assert [exchange.id.partition(":")[2] for exchange in app.launch.exchanges()] == ["11", "12", "13", "14", "15"]


def test_over_the_bound_the_newest_is_shed(make_app) -> None:
    app = make_app()
    app.begin(max_entries=7)
    app.ask(10)
    assert eventually(lambda: app.launch.ledger("dropped:shed") == 3)
    app.launch.redis.execute_command("XTRIM", keys.captures("faults"), "MAXLEN", "2")
    app.ask(3)
    assert eventually(lambda: app.on_stream == 5)
    app.recorder.stop(for_good=True)
    (counters,) = app.launch.counters()
    assert (counters.sampled, counters.seq, counters.dropped) == (13, 10, {"shed": 3})


def test_a_buffer_that_is_full_drops_the_newest_and_counts_it(make_app, valkey) -> None:
    app = make_app(buffer_entries=10)
    app.begin()
    app.ask(3)
    assert eventually(lambda: app.on_stream == 3)
    os.kill(valkey.process.pid, signal.SIGSTOP)
    try:
        app.ask(5)
        assert eventually(app.in_trouble)
        app.ask(50)
    finally:
        os.kill(valkey.process.pid, signal.SIGCONT)
    assert eventually(lambda: app.on_stream == 13)
    dropped = app.end()
    assert dropped.total() == 45
    assert set(dropped) <= {"buffer_full", "redis_down"}


def test_a_key_of_another_type_stops_one_launch_and_no_other(make_app) -> None:
    app = make_app()
    other = Launch(app.recorder.settings.redis_url, "fine").publish()
    app.launch.redis.execute_command("SET", keys.captures("faults"), "not a stream")
    app.begin()
    assert eventually(lambda: len(app.recorder.snapshot.sampling_launches) == 2)
    app.ask(5)
    assert eventually(lambda: len(other.exchanges()) == 5)
    assert eventually(lambda: app.launch.ledger("dropped:redis_down") == 5)
