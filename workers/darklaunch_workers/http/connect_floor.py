"""The least time that a connection to one server takes: what the network alone adds to each request's time.

A TCP handshake is one round trip that the server's kernel answers, whatever the app does. The least of several is free
of the waits on this side as well; where there were few, on a busy machine, it is not. A response takes a round trip
too: the network takes no longer than the quickest response.
"""

from typing import Final

HALF_S: Final = 120.0
"""The floor is that of the present and the previous half, so that it is forgotten after two to four minutes."""


class ConnectFloor:
    """The least connect time of the last minutes. Times are in seconds on a monotonic clock."""

    def __init__(self) -> None:
        self._half: int = -1
        self._least_ms = float("inf")
        self._previous_ms = float("inf")

    def record_connect(self, took_ms: float, now_s: float) -> None:
        """Count a connection that was established."""
        self._turn(now_s)
        self._least_ms = min(self._least_ms, took_ms)

    def record_response(self, took_ms: float, now_s: float) -> None:
        """Count a response. It lowers a floor that is known, and is none by itself."""
        self._turn(now_s)
        if took_ms < min(self._least_ms, self._previous_ms) < float("inf"):
            self._least_ms = took_ms

    def read_ms(self, now_s: float) -> float | None:
        """Return the floor in milliseconds; None when no connection was established in the last minutes."""
        self._turn(now_s)
        floor_ms = min(self._least_ms, self._previous_ms)
        return None if floor_ms == float("inf") else round(floor_ms, 3)

    def _turn(self, now_s: float) -> None:
        half = int(now_s // HALF_S)
        if half == self._half:
            return
        self._previous_ms = self._least_ms if half == self._half + 1 else float("inf")
        self._least_ms = float("inf")
        self._half = half
