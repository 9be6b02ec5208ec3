"""A launch in words: its status, what is mirrored where, what its judge may do."""

from __future__ import annotations

from typing import Final

from darklaunch_comparator.judging.policy import JudgeMode
from darklaunch_shared.launch.spec import UNDECIDED_APP, LaunchState, LaunchStatus

from darklaunch_console.output.numbers import format_percent
from darklaunch_console.output.screen import make_printable

from .change import CurrentLaunch

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


def describe_status(state: LaunchState, *, held: bool | None = None) -> str:
    """Return a launch's status in a word or two; `held` adds a hold that only Redis knows of yet."""
    ended = state.status in (LaunchStatus.PROMOTED, LaunchStatus.ROLLED_BACK)
    return "held" if (state.hold if held is None else held) and not ended else STATUS_WORDS[state.status]


def describe_stop(before: CurrentLaunch) -> str:
    """Return who stopped a launch and why: `was rolled back by ann@host: slow`; "" if nothing holds it."""
    if not before.held_somewhere:
        return ""
    act = "was rolled back" if before.state.status is LaunchStatus.ROLLED_BACK else "is held"
    by = f" by {make_printable(before.held_by, 60)}" if before.held_by else ""
    return f"{act}{by}" + (f": {make_printable(before.held_why, 200)}" if before.held_why else "")


def describe_mirroring(state: LaunchState) -> str:
    """Return what is mirrored where: `10 % of GET, HEAD and OPTIONS requests are mirrored to http://…`."""
    methods = "GET, HEAD and OPTIONS requests"
    if state.spec.app == UNDECIDED_APP:
        methods = f"the {methods} of the first app that is seen"
    elif state.spec.app:
        methods = f"the {methods} of {make_printable(state.spec.app, 60)}"
    if state.spec.allow:
        methods = f"{methods}, and of {', '.join(state.spec.allow)},"
    return f"{format_percent(state.percent)} of {methods} are mirrored to {state.spec.shadow}"


def describe_standstill(state: LaunchState, before: CurrentLaunch) -> str:
    """Return why a changed launch mirrors nothing, or "" if it mirrors."""
    if state.status is LaunchStatus.ACTIVE and not before.held_somewhere:
        return ""
    status = describe_status(state, held=before.held_somewhere)
    return f"It is {status}: nothing is mirrored until it is resumed."
