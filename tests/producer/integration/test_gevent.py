"""The hook where gevent has replaced threads, locks, events and sockets by its own, and workers are forked."""

from __future__ import annotations

import time

import pytest

from tests.support.hook import (
    Launch,
    ask_until_each_captured,
    ask_until_two_listen,
    assert_balanced,
    eventually,
    gunicorn,
    own_redis,
    serving,
)

from .test_gunicorn import ENV, REQUESTS, normal

pytestmark = pytest.mark.xdist_group("gunicorn")


@pytest.fixture(scope="module")
def redis_url():
    with own_redis() as url:
        yield url


@pytest.mark.parametrize(
    "options",
    [
        ("--worker-class", "gevent", "--workers", "2", "--preload"),
        pytest.param(("--worker-class", "gthread", "--workers", "2"), marks=pytest.mark.slow),
    ],
    ids=["gevent, loaded before the fork", "threads"],
)
def test_answers_are_the_same_exchanges_arrive_and_the_exit_is_in_time(redis_url, tmp_path, options) -> None:
    launch = Launch(redis_url, options[1]).publish(skip=("/pid",))
    command = gunicorn("flask_app:app", "--threads", "4", *options)
    with serving(command, tmp_path / "log", {**ENV, "DARKLAUNCH_REDIS_URL": redis_url}) as served:
        assert ask_until_two_listen(served, launch), served.log()
        for target in REQUESTS:
            response = served.get(target)
            assert normal(response) == normal(served.get(target, "X-Bare: 1")) != b""
        assert ask_until_each_captured(served, launch, "/orders/7")
        served.stop()  # raises if a worker hangs
    assert "darklaunch failed" not in served.log()
    assert all(counters.closed for counters in launch.counters())
    assert_balanced(launch)
    assert not launch.hooks()


def test_a_stopped_redis_holds_up_no_greenlet_and_no_exit(tmp_path) -> None:
    with own_redis() as url:
        launch = Launch(url, "hub").publish(skip=("/pid",))
        command = gunicorn("flask_app:app", "--worker-class", "gevent")
        with serving(command, tmp_path / "log", {**ENV, "DARKLAUNCH_REDIS_URL": url}) as served:
            served.get("/pid")
            assert eventually(launch.hooks), served.log()
            assert eventually(lambda: served.get("/orders/7") and launch.exchanges())
            launch.redis.execute_command("CLIENT", "PAUSE", 120_000, "ALL")

            def requests_are_not_held_up() -> bool:
                """True if no request of a second or more took as long as the hook waits for a reply, 1 s."""
                slowest_s, until_s = 0.0, time.monotonic() + 1.2
                while time.monotonic() < until_s:
                    began = time.monotonic()
                    assert b"200 OK" in served.get("/orders/7")
                    slowest_s = max(slowest_s, time.monotonic() - began)
                return slowest_s < 1.0

            assert eventually(requests_are_not_held_up)  # a hook that holds up the hub does so in every such second
            served.stop()  # raises if a worker hangs
