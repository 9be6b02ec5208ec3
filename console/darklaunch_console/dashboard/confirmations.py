"""What a person is asked before an act: a question, what will happen, which fields to fill in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from darklaunch_shared.launch.spec import LaunchState, LaunchStatus

from darklaunch_console.output.numbers import format_decimal, format_percent, format_seconds
from darklaunch_console.reports.judgement import JudgedLaunch
from darklaunch_console.reports.verdict_objections import list_objections

GO: Final = "go"
STOP: Final = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """One question. `button` repeats verb and name; `percent` is the share to start from, None if none is asked.

    `objections` are what speaks against it: then a reason is needed, and the launch's name typed.
    """

    title: str
    address: str
    back: str
    will: Sequence[str]
    button: str
    style: str = GO
    percent: float | None = None
    needs_reason: bool = False
    objections: Sequence[str] = ()
    launch: str = ""


@dataclass(frozen=True, slots=True)
class ActLink:
    """A button of a page that leads to a confirmation; `style` is "" unless the verdict calls for the act."""

    act: str
    label: str
    icon: str
    style: str = ""


_LINKS: Final = {
    "rollback": ("Roll back…", "back"),
    "pause": ("Pause…", "pause"),
    "resume": ("Resume…", "play"),
    "ramp": ("Change share…", ""),
    "promote": ("Promote…", "check"),
    "accept": ("Accept as intended…", "check"),
    "resolve": ("Mark resolved…", "check"),
    "reopen": ("Open again…", "eye"),
}
_BY_STATUS: Final = {
    LaunchStatus.ACTIVE: ("rollback", "pause", "ramp", "promote"),
    LaunchStatus.PAUSED: ("rollback", "resume", "ramp", "promote"),
    LaunchStatus.PROMOTED: ("rollback", "resume"),
    LaunchStatus.ROLLED_BACK: ("resume",),
}


def list_launch_acts(state: LaunchState, tone: str) -> list[ActLink]:
    """Return what can be done to a launch; the act that its verdict calls for is filled, all others outlined."""
    called = {"bad": "rollback", "good": "promote"}.get(tone) if state.status is LaunchStatus.ACTIVE else None
    acts = _BY_STATUS[state.status]
    if state.hold and "pause" in acts:
        acts = ("rollback", "resume", "promote")
    return [_link(act, (STOP if act == "rollback" else GO) if act == called else "") for act in acts]


def list_group_acts(state: str) -> list[ActLink]:
    """Return what can be decided about a group of mismatches that is `open`, `accepted` or `resolved`."""
    return [_link(act) for act in (("accept", "resolve") if state == "open" else ("reopen",))]


def confirm_rollback(name: str) -> Confirmation:
    """Return the question before a rollback. It reads nothing, because a rollback works without Postgres."""
    return Confirmation(
        title=f"Roll back {name}?",
        will=(
            "Mirroring stops within 1 second. Users notice nothing: the shadow never served them.",
            "Exchanges in progress are dropped, not compared. Results and samples stay.",
        ),
        button=f"Roll back {name}",
        style=STOP,
        address=f"/launches/{name}/acts/rollback",
        back=f"/launches/{name}",
    )


def confirm_act(judged: JudgedLaunch, act: str) -> Confirmation:
    """Return the question before pause, resume, ramp or promote."""
    state = judged.state
    name = state.name
    address, back = f"/launches/{name}/acts/{act}", f"/launches/{name}"
    will: tuple[str, ...]
    if act == "pause":
        will = (
            "No request is sampled and no replay starts later than 1 second from now.",
            f"Exchanges that wait are kept; what is older than {format_seconds(state.spec.max_age_s)} is not replayed.",
        )
        return Confirmation(title=f"Pause {name}?", will=will, button=f"Pause {name}", address=address, back=back)
    if act == "resume":
        will = (f"{format_percent(state.percent)} of requests are mirrored to {state.spec.shadow} again.",)
        return Confirmation(title=f"Resume {name}?", will=will, button=f"Resume {name}", address=address, back=back)
    if act == "ramp":
        now = f"At {format_percent(state.percent)} the shadow is asked {format_decimal(judged.per_s)} requests a second"
        return Confirmation(
            title=f"Change the share of {name}?",
            will=(f"{now}." if judged.per_s else "No exchange is compared at the moment.",),
            button=f"Change the share of {name}",
            address=address,
            back=back,
            percent=state.percent,
        )
    held = ("it is held",) if state.hold else ()
    objections = (*held, *list_objections(judged.summary))
    will = ("The launch ends as promoted. Sending users to the new version remains your deployment's task.",)
    if objections:
        will = (*will, "History records that this was overruled, by whom, and the reason.")
    return Confirmation(
        title=f"Promote {name} against the verdict?" if objections else f"Promote {name}?",
        will=will,
        button=f"Overrule and promote {name}" if objections else f"Promote {name}",
        style=STOP if objections else GO,
        address=address,
        back=back,
        needs_reason=bool(objections),
        objections=objections,
        launch=name,
    )


def confirm_decision(launch: str, fingerprint: str, act: str, title: str) -> Confirmation:
    """Return the question before a group of mismatches is accepted, resolved or opened again."""
    question, will, button = {
        "accept": (
            "Accept this difference as intended?",
            "It is still counted and listed, but is no longer a problem: the verdict goes on without it. Under "
            "another build of the shadow it is open again.",
            "Accept",
        ),
        "resolve": (
            "Mark this difference as resolved?",
            "It is open again if a later exchange shows it, under any build of the shadow.",
            "Mark resolved",
        ),
        "reopen": ("Open this difference again?", "It is a problem again, and the verdict counts it.", "Open again"),
    }[act]
    return Confirmation(
        title=question,
        will=(title, will),
        button=f"{button} {fingerprint[:8]}",
        address=f"/launches/{launch}/mismatches/{fingerprint}/acts/{act}",
        back=f"/launches/{launch}/mismatches/{fingerprint}",
        needs_reason=act == "accept",
    )


def _link(act: str, style: str = "") -> ActLink:
    return ActLink(act, *_LINKS[act], style)
