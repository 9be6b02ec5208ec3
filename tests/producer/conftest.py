"""A Redis that tests may stop, fill and flush: one per test worker, since starting one takes longer than most tests."""

from __future__ import annotations

import os
import signal

import pytest
from darklaunch_console.embedded import embedded_valkey
from darklaunch_shared.redis.client import connect

from tests.support.hook import LossyProxy
from tests.support.hooked_app import HookedApp


@pytest.fixture(scope="session")
def session_valkey():
    with embedded_valkey() as valkey:
        yield valkey


@pytest.fixture
def valkey(session_valkey):
    """An empty Redis that only these tests use. What a test did to it is undone after the test."""
    redis = connect(session_valkey.url, client_name="darklaunch-test")
    redis.execute_command("FLUSHALL")
    yield session_valkey
    os.kill(session_valkey.process.pid, signal.SIGCONT)
    for command in ("CLIENT UNPAUSE", "CONFIG SET maxmemory 0", "REPLICAOF NO ONE"):
        redis.execute_command(*command.split())
    redis.close()


@pytest.fixture
def make_app(valkey):
    apps = []

    def make(**options) -> HookedApp:
        apps.append(HookedApp(valkey, **options))
        return apps[-1]

    yield make
    for app in apps:
        app.recorder.stop(for_good=True)


@pytest.fixture
def proxy(valkey):
    proxy = LossyProxy(valkey.port)
    proxy.listen()
    yield proxy
    proxy.close()
