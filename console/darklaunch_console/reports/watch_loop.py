"""Read a launch again and again until it has ended, whatever Postgres does meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from darklaunch_console.errors import AccessRefused, DatabaseNotMigrated, ServerUnreachable
from darklaunch_console.output.numbers import format_seconds
from darklaunch_console.output.text import join_lines

from .watch_data import WatchData, WatchReader

LOOK_EVERY_S: Final = 1.0
REST: Final = 4.0
"""A look is followed by a rest at least so many times as long, so that watching puts no load on Postgres."""

ShowLook = Callable[[WatchData, str], None]
"""Shows a look; the text says why it is stale, "" when it is not."""


def follow_launch(reader: WatchReader, show_look: ShowLook) -> WatchData:
    """Read and show a launch until it has ended, and return the last look.

    Once there was a first look, a Postgres that cannot be reached is waited for. Raises AccessRefused and
    DatabaseNotMigrated, which waiting does not help.
    """
    look = reader.look()
    away_since_s: float | None = None
    show_look(look, "")
    while not look.ended:
        began_s = time.monotonic()
        try:
            look = reader.look()
            away_since_s = None
            trouble = ""
        except (AccessRefused, DatabaseNotMigrated):
            raise
        except ServerUnreachable as unreachable:
            away_since_s = away_since_s or began_s
            duration = format_seconds(round(time.monotonic() - away_since_s))
            trouble = f"{join_lines(str(unreachable))} Trying again, for {duration} now."
        show_look(look, trouble)
        time.sleep(max(LOOK_EVERY_S, REST * (time.monotonic() - began_s)))
    return look
