"""What the hook reports about itself: a heartbeat and absolute counters."""

from __future__ import annotations

from collections.abc import Callable

from darklaunch_shared import keys
from darklaunch_shared.redis.presence import own_version

from tests.support.hook import eventually
from tests.support.hooked_app import HookedApp

MakeApp = Callable[..., HookedApp]


def test_a_heartbeat_names_the_app_and_the_launches_it_samples(make_app: MakeApp) -> None:
    app = make_app()
    app.begin()
    (process,) = eventually(app.launch.hooks)
    assert (process["kind"], process["app"]) == ("hook", app.recorder.settings.app_name)
    assert (process["framework"], process["version"]) == ("asgi", own_version())
    assert process["launches"] == [app.launch.name]
    assert (process["seal_key"], process["signing_key"]) == ("", "")


def test_counters_are_written_while_the_app_runs_and_closed_when_it_ends(make_app: MakeApp) -> None:
    app = make_app()
    app.begin()
    app.ask(5)
    assert eventually(lambda: app.launch.ledger("seq") == 5)
    assert [counters.closed for counters in app.launch.counters()] == [False]
    app.recorder.stop(for_good=True)
    assert [counters.closed for counters in app.launch.counters()] == [True]
    assert app.launch.hooks() == []


def test_a_refused_report_is_logged_once_and_repeated_until_it_is_written(make_app: MakeApp, caplog) -> None:
    app = make_app()
    app.launch.redis.execute_command("SET", keys.producers(app.launch.name), "not a hash")
    app.begin()
    app.ask(5)
    refused = "darklaunch cannot report its counters and heartbeat: Redis refuses: WRONGTYPE"
    assert eventually(lambda: any(line.startswith(refused) for line in caplog.messages))
    app.launch.redis.execute_command("DEL", keys.producers(app.launch.name))
    assert eventually(lambda: app.launch.ledger("seq") == 5)
    assert sum(line.startswith(refused) for line in caplog.messages) == 1
