"""Launches with results that were really recorded, and what Postgres and Redis then know of a launch."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import psycopg
from darklaunch_comparator.pipeline.assess import assess_entry
from darklaunch_comparator.pipeline.result_writer import ResultWriter
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.launches import LaunchAct, LaunchEvent, create_launch, get_launch, list_events
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, parse_state
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import Fields, pair_fields

from tests.support.cli import Cli
from tests.support.exchanges import RULES


def record(dsn: str, launch: str, entries: list[Fields]) -> None:
    """Start a launch in Postgres alone, and record what a comparator makes of entries."""
    with connect_store(dsn, name="darklaunch-test") as connection:
        create_launch(
            connection, launch, LaunchSpec("http://shadow:8000"), LaunchAct("ann@desk", "started"), percent=10
        )
    recorder = ResultWriter(dsn, name="darklaunch-test", retention_days=14, stop=threading.Event())
    try:
        assert recorder.record(launch, [assess_entry(launch, entry, RULES) for entry in entries]) == []
    finally:
        recorder.close()


def read_published(redis: RedisClient, name: str) -> LaunchState:
    """Return a launch's state as hooks and workers see it."""
    return parse_state(name, pair_fields(redis.execute_command("HGETALL", keys.launch(name))))


def read_recorded(cli: Cli, name: str) -> tuple[LaunchState, Sequence[LaunchEvent]]:
    """Return a launch's recorded state, and its events, the first first."""
    assert cli.postgres_dsn
    with psycopg.connect(cli.postgres_dsn) as connection:
        return get_launch(connection, name).state, list_events(connection, name)[::-1]


def read_spec(cli: Cli, name: str) -> tuple[LaunchSpec, Sequence[LaunchEvent]]:
    """Return what a launch was told to do, and its events, the latest first."""
    state, events = read_recorded(cli, name)
    return state.spec, events[::-1]
