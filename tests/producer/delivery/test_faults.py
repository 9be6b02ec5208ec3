"""Redis absent, stopped, full, mute or flushed: users get their answers, and every exchange stays accounted for."""

from __future__ import annotations

import os
import secrets
import signal
import threading
from collections import Counter
from urllib.parse import urlsplit

import pytest
from darklaunch import CaptureMiddleware
from darklaunch_shared import keys

from tests.support.asgi import answering, body, get, start
from tests.support.hook import Launch, LossyProxy, assert_balanced, eventually, free_port

ANSWER = [start(200, (b"content-type", b"text/plain")), body(b"ok")]


class App:
    """An app in this process with the hook over a given Redis, and its launch."""

    def __init__(self, valkey, *, through: LossyProxy | None = None, **options) -> None:
        url = valkey.url.replace(str(valkey.port), str(through.port)) if through else valkey.url
        self.launch = Launch(valkey.url, "faults")
        # Apps with the same options share a hook: the name makes this one new.
        self.hook = CaptureMiddleware(answering(*ANSWER), redis_url=url, app_name=secrets.token_hex(4), **options)
        self.recorder = self.hook._recorder
        self.asked = 0

    def ask(self, times: int = 1) -> None:
        for _ in range(times):
            assert get(self.hook, f"/orders/{self.asked}") == ANSWER
            self.asked += 1

    def begin(self, **spec) -> None:
        self.launch.publish(**spec)
        get(self.hook)  # starts the thread
        assert eventually(lambda: self.recorder.snapshot.sampling_launches)

    def sampling(self) -> bool:
        return bool(self.recorder.snapshot.sampling_launches)

    def end(self) -> Counter[str]:
        """Close the books, check them, and return what was dropped, by reason."""
        self.recorder.stop(for_good=True)
        assert_balanced(self.launch)
        assert all(counters.closed for counters in self.launch.counters())
        return Counter({name: n for each in self.launch.counters() for name, n in each.dropped.items()})

    def dropped(self, reason: str) -> int:
        """Look into the hook itself, for when Redis cannot be asked."""
        queue = self.recorder._delivery._queues.get("faults")
        return queue.dropped[reason] if queue else 0

    def in_trouble(self) -> bool:
        delivery = self.recorder._delivery
        return bool(delivery._backoff.failures or delivery._write_backoff.failures)

    @property
    def on_stream(self) -> int:
        return int(self.launch.redis.execute_command("XLEN", keys.captures("faults")))


@pytest.fixture
def make(valkey):
    apps = []

    def make_app(**options) -> App:
        apps.append(App(valkey, **options))
        return apps[-1]

    yield make_app
    for app in apps:
        app.recorder.stop(for_good=True)


@pytest.fixture
def proxy(valkey):
    proxy = LossyProxy(valkey.port)
    proxy.listen()
    yield proxy
    proxy.close()


def config(app: App, name: str, value: str) -> None:
    app.launch.redis.execute_command("CONFIG", "SET", name, value)


def test_in_good_order_every_exchange_is_on_the_stream_once(make):
    app = make()
    app.begin()
    app.ask(250)
    assert eventually(lambda: app.on_stream == 250)
    assert app.end() == {}
    targets = [exchange.request.target for exchange in app.launch.exchanges()]
    assert targets == [f"/orders/{number}" for number in range(250)]


def test_a_launch_stops_at_once_by_pause_by_hold_and_by_percent(make):
    app = make()
    app.begin()
    for stop in (lambda: app.launch.publish("paused"), lambda: app.launch.hold()):
        stop()
        assert eventually(lambda: not app.sampling())
        before = app.on_stream
        app.ask(5)
        app.launch.redis.execute_command("HDEL", keys.launch("faults"), "hold")
        app.launch.publish("active", percent=100)
        assert eventually(app.sampling)
        app.ask(1)
        assert eventually(lambda before=before: app.on_stream == before + 1)
    app.launch.publish("active", percent=0)
    assert eventually(lambda: not app.sampling())
    assert app.end() == {}


def test_what_is_under_way_when_a_launch_is_rolled_back_is_dropped_and_counted(make, proxy):
    app = make(through=proxy)
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


def test_lost_replies_add_nothing_twice(make, proxy):
    app = make(through=proxy)
    app.begin()
    app.ask(10)
    assert eventually(lambda: app.on_stream == 10)
    for _ in range(2):
        proxy.mute_at_write, before = True, app.on_stream
        app.ask(10)
        assert eventually(lambda before=before: app.on_stream > before)
        proxy.mute = proxy.mute_at_write = False
        app.ask(10)
        assert eventually(lambda before=before: app.on_stream == before + 20)
    assert app.end() == {}


def test_a_batch_in_doubt_at_the_end_counts_as_written(make, proxy):
    app = make(through=proxy)
    app.begin()
    app.ask(5)
    assert eventually(lambda: app.launch.ledger("seq") == 5)
    proxy.mute_at_write = True
    app.ask(5)
    assert eventually(lambda: app.on_stream == 10)
    delivery = app.recorder._delivery
    app.recorder.stop(for_good=True)
    assert eventually(lambda: not delivery._thread.is_alive())
    queue = delivery._queues["faults"]
    assert (queue.sampled, queue.seq, queue.waiting, queue.dropped) == (10, 10, 0, {})


def test_a_redis_that_refuses_connections_costs_a_batch_and_no_number(make, proxy, caplog):
    app = make(through=proxy)
    app.begin()
    app.ask(5)
    assert eventually(lambda: app.on_stream == 5)
    proxy.close()
    app.ask(20)
    assert eventually(lambda: "cannot be reached" in caplog.text)
    assert "the app is not affected" in caplog.text
    app.ask(20)
    assert eventually(lambda: app.recorder._delivery._backoff.failures > 2)
    assert "darklaunch can use Redis again" not in caplog.text
    proxy.listen()
    assert eventually(lambda: "darklaunch can use Redis again" in caplog.text)
    app.ask(5)
    assert eventually(lambda: app.on_stream + app.launch.ledger("dropped:redis_down") == 50)
    dropped = app.end()
    assert set(dropped) <= {"redis_down"}
    assert app.launch.ledger("seq") == 50 - dropped["redis_down"]  # the numbers were used for what came after


def test_an_absent_redis_is_waited_for(valkey, proxy, caplog):
    proxy.close()
    app = App(valkey, through=proxy)
    app.launch.publish()
    app.ask(3)
    assert eventually(lambda: "cannot be reached" in caplog.text)
    proxy.listen()
    assert eventually(app.sampling)
    app.ask(3)
    assert eventually(lambda: app.on_stream == 3)
    assert app.end() == {}


def test_a_stopped_redis_is_not_noticed_by_users_and_nothing_is_written_twice(make, valkey):
    app = make()
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


def test_a_full_redis_drops_and_counts_and_goes_on_when_there_is_room(make):
    app = make()
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


def test_a_read_only_replica_is_a_refusal(make):
    app = make()
    app.begin()
    app.launch.redis.execute_command("REPLICAOF", "127.0.0.1", free_port())
    app.ask(10)
    assert eventually(lambda: app.dropped("redis_down") == 10)
    app.launch.redis.execute_command("REPLICAOF", "NO", "ONE")
    app.ask(5)
    assert eventually(lambda: app.on_stream == 5)
    assert app.end() == {"redis_down": 10}


def test_writes_that_hang_do_not_keep_control_state_from_being_read(make, monkeypatch):
    monkeypatch.setattr("darklaunch_shared.launch.states.STALE_S", 2.0)
    app = make()
    app.begin()
    app.ask(5)
    assert eventually(lambda: app.on_stream == 5)
    app.launch.redis.execute_command("CLIENT", "PAUSE", "60000", "WRITE")
    app.ask(5)
    assert eventually(lambda: app.recorder._delivery._write_backoff.failures == 3)  # each takes a second
    assert app.sampling()
    app.launch.redis.execute_command("CLIENT", "UNPAUSE")
    assert eventually(lambda: app.on_stream == 10)
    assert app.end() == {}


def test_scripts_that_were_flushed_are_loaded_again_and_flushed_data_is_started_over(make):
    app = make()
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


def test_over_the_bound_the_newest_is_shed(make):
    app = make()
    app.begin(max_entries=7)
    app.ask(10)
    assert eventually(lambda: app.launch.ledger("dropped:shed") == 3)
    app.launch.redis.execute_command("XTRIM", keys.captures("faults"), "MAXLEN", "2")
    app.ask(3)
    assert eventually(lambda: app.on_stream == 5)
    app.recorder.stop(for_good=True)
    (counters,) = app.launch.counters()
    assert (counters.sampled, counters.seq, counters.dropped) == (13, 10, {"shed": 3})


def test_an_outbox_that_is_full_drops_the_newest_and_counts_it(make, valkey):
    app = make(outbox_entries=10)
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
    assert set(dropped) <= {"outbox_full", "redis_down"}


def test_a_key_of_another_type_stops_one_launch_and_no_other(make):
    app = make()
    other = Launch(app.recorder.settings.redis_url, "fine").publish()
    app.launch.redis.execute_command("SET", keys.captures("faults"), "not a stream")
    app.begin()
    assert eventually(lambda: len(app.recorder.snapshot.sampling_launches) == 2)
    app.ask(5)
    assert eventually(lambda: len(other.exchanges()) == 5)
    assert eventually(lambda: app.launch.ledger("dropped:redis_down") == 5)


def test_a_damaged_launch_is_not_sampled_and_stops_no_other(make, caplog):
    app = make()
    app.launch.redis.execute_command("HSET", keys.launch("broken"), "status", "active")
    app.launch.redis.execute_command("SADD", keys.LAUNCHES, "broken")
    app.begin()
    app.ask(1)
    assert eventually(lambda: app.on_stream == 1)
    assert [line for line in caplog.messages if "broken" in line] == [
        "darklaunch does not sample launch broken: launch broken: b'percent' is missing from its control state"
    ]


def test_sampling_ends_when_control_state_cannot_be_read_for_long(make, proxy, monkeypatch):
    monkeypatch.setattr("darklaunch_shared.launch.states.STALE_S", 1.0)
    app = make(through=proxy)
    app.begin()
    proxy.mute = True
    assert eventually(lambda: not app.sampling())
    proxy.mute = False
    assert eventually(app.sampling)


def test_many_threads_at_once_are_all_counted(make):
    app = make()
    app.begin()

    def crowd():
        for number in range(60):
            assert get(app.hook, f"/orders/{number}") == ANSWER
            assert get(app.hook, "/orders", method="POST") == ANSWER

    threads = [threading.Thread(target=crowd) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert app.end() == {}
    assert app.launch.ledger("sampled") == 480
    assert app.launch.ledger("skipped:unsafe_method") == 480


def test_the_password_is_in_no_log(valkey, caplog):
    url = urlsplit(valkey.url)
    app = CaptureMiddleware(answering(*ANSWER), redis_url=f"redis://:{url.password}x@127.0.0.1:{valkey.port}/0")
    get(app)
    assert eventually(lambda: "refused the user name or password" in caplog.text)
    assert url.password not in caplog.text
    app._recorder.stop(for_good=True)
