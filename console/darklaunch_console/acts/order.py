"""An act on a launch as a page or a program asks for it: by its name, with text for values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from darklaunch_shared.errors import BadLaunch

from darklaunch_console.cli.arguments import parse_percent
from darklaunch_console.errors import BadUsage
from darklaunch_console.launches.rollback import roll_back_launch
from darklaunch_console.settings import ConsoleSettings

from .mirroring import pause_launch, ramp_launch, resume_launch
from .promotion import promote_launch

OVERRULE_ADVICE: Final = "If you know better, overrule it with a reason and the name of the launch typed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActOrder:
    """What to do to which launch, in whose name and why. `overrules` promotes against the verdict."""

    launch: str
    act: str
    actor: str
    reason: str = ""
    percent: str = ""
    overrules: bool = False


@dataclass(frozen=True, slots=True)
class ActReply:
    """What is so after an act, in a sentence; `changed` is False if nothing had to change."""

    changed: bool
    sentence: str


class _PerformAct(Protocol):
    def __call__(self, settings: ConsoleSettings, order: ActOrder, /) -> ActReply: ...


def carry_out(settings: ConsoleSettings, order: ActOrder) -> ActReply:
    """Do what the command of the same name does. Raises what it raises, and BadUsage for an unknown act."""
    perform = ACTS.get(order.act)
    if perform is None:
        raise BadUsage(f"{order.act!r} is nothing that can be done to a launch: there are {', '.join(ACTS)}")
    return perform(settings, order)


def _pause(settings: ConsoleSettings, order: ActOrder) -> ActReply:
    result = pause_launch(settings, order.launch, actor=order.actor, reason=order.reason)
    return ActReply(result.changed, f"{result.sentence} {result.remark}".rstrip())


def _resume(settings: ConsoleSettings, order: ActOrder) -> ActReply:
    result = resume_launch(settings, order.launch, actor=order.actor, reason=order.reason)
    return ActReply(result.changed, result.sentence)


def _ramp(settings: ConsoleSettings, order: ActOrder) -> ActReply:
    try:
        percent = parse_percent(order.percent)
    except (ValueError, BadLaunch) as invalid:
        raise BadUsage(str(invalid)) from None
    result = ramp_launch(settings, order.launch, percent, actor=order.actor, reason=order.reason)
    return ActReply(result.changed, f"{result.sentence} {result.remark}".rstrip())


def _promote(settings: ConsoleSettings, order: ActOrder) -> ActReply:
    result = promote_launch(
        settings,
        order.launch,
        actor=order.actor,
        reason=order.reason,
        anyway=order.overrules,
        advice=OVERRULE_ADVICE,
    )
    return ActReply(result.changed, f"{result.sentence} {result.remark}".rstrip())


def _roll_back(settings: ConsoleSettings, order: ActOrder) -> ActReply:
    result = roll_back_launch(settings, order.launch, actor=order.actor, reason=order.reason)
    if not result.changed:
        return ActReply(False, f"{order.launch} is rolled back already: nothing is mirrored.")
    recorded = f" Redis has the rollback, the record has not: {result.not_recorded}." if result.not_recorded else ""
    return ActReply(True, f"{order.launch} is rolled back: within a second nothing is mirrored any more.{recorded}")


ACTS: Final[Mapping[str, _PerformAct]] = {
    "rollback": _roll_back,
    "pause": _pause,
    "resume": _resume,
    "ramp": _ramp,
    "promote": _promote,
}
