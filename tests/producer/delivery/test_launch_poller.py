"""Reading the launches: damaged ones, and a Redis that does not reply."""

from __future__ import annotations

from collections import Counter

from darklaunch_shared import keys

from tests.support.hook import eventually


def test_a_damaged_launch_is_not_sampled_and_stops_no_other(make_app, caplog) -> None:
    app = make_app()
    app.launch.redis.execute_command("HSET", keys.launch("broken"), "status", "active")
    app.launch.redis.execute_command("SADD", keys.LAUNCHES, "broken")
    app.begin()
    app.ask(1)
    assert eventually(lambda: app.on_stream == 1)
    message = "darklaunch does not sample launch broken: launch broken: percent is missing from its state on Redis"
    logged = Counter((record.thread, record.getMessage()) for record in caplog.records)  # hooks of other tests log too
    times = [number for (_, line), number in logged.items() if line == message]
    assert times
    assert set(times) == {1}


def test_sampling_ends_when_control_state_cannot_be_read_for_long(make_app, proxy, monkeypatch) -> None:
    monkeypatch.setattr("darklaunch_shared.launch.states.STALE_S", 1.0)
    app = make_app(through=proxy)
    app.begin()
    proxy.mute = True
    assert eventually(lambda: not app.sampling())
    proxy.mute = False
    assert eventually(app.sampling)
