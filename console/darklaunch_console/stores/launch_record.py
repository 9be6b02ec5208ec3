"""One launch as Postgres records it, found by its name."""

from __future__ import annotations

from darklaunch_comparator.errors import LaunchUnknown
from darklaunch_comparator.store.launches import LaunchRecord, get_launch, list_launches

from darklaunch_console.errors import NoSuchLaunch

from .postgres import Connection


def read_launch_record(connection: Connection, name: str) -> LaunchRecord:
    """Return a launch's record. Raises NoSuchLaunch, which names the launch that was probably meant."""
    try:
        return get_launch(connection, name)
    except LaunchUnknown:
        raise NoSuchLaunch(name, [record.state.name for record in list_launches(connection)]) from None
