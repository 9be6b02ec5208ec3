"""What a launch is doing, in words: its status, what is mirrored where, what its judge may do."""

from __future__ import annotations

from typing import Final

from darklaunch_comparator.judging.policy import JudgeMode
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus

from darklaunch_console.output.numbers import format_percent

STATUS_WORDS: Final = {
    LaunchStatus.ACTIVE: "active",
    LaunchStatus.PAUSED: "paused",
    LaunchStatus.PROMOTED: "promoted",
    LaunchStatus.ROLLED_BACK: "rolled back",
}
JUDGE_MODE_WORDS: Final = {
    JudgeMode.ADVISE: "advises and never acts",
    JudgeMode.MANUAL: "rolls back by itself; people raise the share and promote",
    JudgeMode.AUTO: "rolls back, raises the share and promotes by itself",
}
"""What the judge of a launch does."""


def describe_status(state: LaunchState, *, held: bool | None = None) -> str:
    """Say what a launch is doing, in a word or two. `held`: also where the record does not know of the hold yet."""
    ended = state.status in (LaunchStatus.PROMOTED, LaunchStatus.ROLLED_BACK)
    return "held" if (state.hold if held is None else held) and not ended else STATUS_WORDS[state.status]


def describe_mirroring(state: LaunchState) -> str:
    """Say what is mirrored where: `10 % of GET, HEAD and OPTIONS requests are mirrored to http://…`."""
    methods = "GET, HEAD and OPTIONS requests"
    if state.spec.allow:
        methods = f"{methods}, and of {', '.join(state.spec.allow)},"
    return f"{format_percent(state.percent)} of {methods} are mirrored to {state.spec.shadow}"
