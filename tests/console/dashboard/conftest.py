"""A dashboard of the test's own Postgres, and a client that asks it."""

import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
from darklaunch_comparator.pipeline.assess import assess_entry
from darklaunch_comparator.pipeline.result_writer import ResultWriter
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.launches import LaunchAct, create_launch
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.fields import Fields

from tests.support.dashboard import browse_dashboard
from tests.support.exchanges import RULES


@pytest.fixture
def browser(postgres_dsn: str) -> Iterator[httpx.Client]:
    with browse_dashboard(postgres_dsn) as client:
        yield client


@pytest.fixture
def record_replays(postgres_dsn: str, launch_name: str) -> Callable[[list[Fields]], str]:
    """A function that creates the test's launch, records replays as a comparator does, and returns its name."""

    def record(entries: list[Fields]) -> str:
        with connect_store(postgres_dsn, name="darklaunch-test") as connection:
            act = LaunchAct("ann@desk", "started", "the <b>new</b> totals")
            create_launch(connection, launch_name, LaunchSpec("http://shadow:8000"), act, percent=10)
        writer = ResultWriter(postgres_dsn, name="darklaunch-test", retention_days=14, stop=threading.Event())
        try:
            assert writer.record(launch_name, [assess_entry(launch_name, entry, RULES) for entry in entries]) == []
        finally:
            writer.close()
        return launch_name

    return record
