"""The delivery thread over a Redis that works."""

from __future__ import annotations

import threading

from darklaunch_shared import keys

from tests.support.asgi import get
from tests.support.hook import eventually
from tests.support.hooked_app import RESPONSE


def test_in_good_order_every_exchange_is_on_the_stream_once(make_app) -> None:
    app = make_app()
    app.begin()
    app.ask(250)
    assert eventually(lambda: app.on_stream == 250)
    assert app.end() == {}
    targets = [exchange.request.target for exchange in app.launch.exchanges()]
    assert targets == [f"/orders/{number}" for number in range(250)]


def test_a_launch_stops_at_once_by_pause_by_hold_and_by_percent(make_app) -> None:
    app = make_app()
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
        assert app.stream_reaches(before + 1)
    app.launch.publish("active", percent=0)
    assert eventually(lambda: not app.sampling())
    assert app.end() == {}


def test_many_threads_at_once_are_all_counted(make_app) -> None:
    app = make_app()
    app.begin()

    def crowd() -> None:
        for number in range(60):
            assert get(app.hook, f"/orders/{number}") == RESPONSE
            assert get(app.hook, "/orders", method="POST") == RESPONSE

    threads = [threading.Thread(target=crowd) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert app.end() == {}
    assert app.launch.ledger("sampled") == 480
    assert app.launch.ledger("skipped:unsafe_method") == 480
