"""How replays are spread over time: near the primary's own rate, so that no burst of ours makes the shadow slow.

A hook hands over what it captured in 50 ms at once, and a worker that was away finds a backlog. Sent at once, requests
that the primary got one after the other would queue in the shadow. Pure: what arrived when is read from entry ids,
which Redis makes from its own clock.
"""

from collections.abc import Sequence
from typing import Final

SPREAD_S: Final = 0.25
"""The longest time that the entries of one read are spread over."""
KEEP_UP: Final = 0.8
"""The share of the time in which entries arrived that sending them takes, so that there is time to spare."""
CATCH_UP: Final = 0.5
"""The same while more entries wait: a backlog is worked off at twice the primary's rate."""


class ReplayPacer:
    """The pace of one shard's replays."""

    def __init__(self) -> None:
        self._latest_ms = 0

    def compute_gap_s(self, entry_ids: Sequence[str], *, more_waiting: bool) -> float:
        """Return the seconds from the start of one replay to that of the next; 0 for all at once.

        `entry_ids` are those of one read, in order. What another consumer left behind is older and is not paced.
        """
        if not entry_ids:
            return 0.0
        last_ms = _read_ms(entry_ids[-1])
        since_ms = self._latest_ms or _read_ms(entry_ids[0])
        self._latest_ms = max(self._latest_ms, last_ms)
        span_s = min((last_ms - since_ms) / 1000, SPREAD_S)
        return max(0.0, span_s) * (CATCH_UP if more_waiting else KEEP_UP) / len(entry_ids)


def _read_ms(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])
