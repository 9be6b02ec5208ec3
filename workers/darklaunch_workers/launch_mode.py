"""What a launch's control state tells its workers to do with the exchanges that wait."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from darklaunch_shared.launch.spec import LaunchState, LaunchStatus


class ReplayMode(StrEnum):
    """What happens to the next exchange."""

    REPLAY = "replay"
    WAIT = "wait"  # leave it on the stream
    SETTLE = "settle"  # end it without a replay


@dataclass(frozen=True, slots=True)
class ReplayOrders:
    """A mode; `reason` is what a settled exchange is dropped for."""

    mode: ReplayMode
    reason: str = ""


REPLAY: Final = ReplayOrders(ReplayMode.REPLAY)
WAIT: Final = ReplayOrders(ReplayMode.WAIT)


def orders_of(state: LaunchState | None) -> ReplayOrders:
    """Read the orders from a launch's state; None is a state nobody could read, and nothing is dropped for that."""
    if state is None:
        return WAIT
    if state.hold or state.status is LaunchStatus.ROLLED_BACK:
        return ReplayOrders(ReplayMode.SETTLE, "superseded_by_rollback")
    if state.status is LaunchStatus.PAUSED:
        return ReplayOrders(ReplayMode.SETTLE, state.settle) if state.settle else WAIT
    return REPLAY  # active, or promoted with exchanges left from before
