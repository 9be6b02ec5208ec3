"""Find one stored exchange by its id, for the commands that show or reproduce it."""

from __future__ import annotations

from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import list_launches

from darklaunch_console.errors import ConsoleError
from darklaunch_console.output.screen import make_printable
from darklaunch_console.output.times import format_minute
from darklaunch_console.stores.postgres import Connection


def find_sample(connection: Connection, identity: str, launch: str | None) -> report_queries.StoredSample:
    """Return the stored sample of an exchange. Raises ConsoleError with what is known of one that was not kept."""
    if sample := report_queries.read_sample(connection, identity, launch):
        return sample
    names = [launch] if launch else [record.state.name for record in list_launches(connection)]
    for name in names:
        if row := report_queries.read_result(connection, name, identity):
            outcome = row.outcome.replace("_", " ") + (f" ({make_printable(row.reason, 80)})" if row.reason else "")
            raise ConsoleError(
                f"exchange {identity} of {name} at {format_minute(row.captured_at)} was {outcome}; its bodies were not "
                "kept. Only the first, the latest and the rarest exchange of each signature are: "
                f"darklaunch mismatches {name}"
            )
    raise ConsoleError(f"there is no exchange {identity}. `darklaunch mismatches NAME` lists ids")
