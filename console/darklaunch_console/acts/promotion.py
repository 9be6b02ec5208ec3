"""End a launch as a success, unless its verdict or its state objects."""

from __future__ import annotations

from darklaunch_comparator.store.launches import LaunchAct
from darklaunch_shared.launch.spec import LaunchStatus

from darklaunch_console.errors import ConsoleError
from darklaunch_console.launches.change import CurrentLaunch, change_launch, find_launch
from darklaunch_console.launches.description import describe_stop
from darklaunch_console.reports.judgement import read_judged_launch
from darklaunch_console.reports.verdict_objections import list_objections
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import Connection, open_postgres, open_redis

from .act_result import ActResult


class PromotionRefused(ConsoleError):
    """The verdict or the state of a launch objects to its promotion."""


def promote_launch(
    settings: ConsoleSettings, name: str, *, actor: str, reason: str, anyway: bool, advice: str
) -> ActResult:
    """Promote a launch; `anyway` overrules objections, and needs a reason.

    Raises PromotionRefused with the objections and `advice`, which says how to overrule them.
    """
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        if before.state.status is LaunchStatus.PROMOTED and not before.held_somewhere:
            sentence = f"{name} is promoted already: nothing is mirrored."
            return ActResult(state=before.state, changed=False, sentence=sentence)
        objections = list_promotion_objections(connection, before)
        if objections and not (anyway and reason):
            raise PromotionRefused(f"{name} is not promoted: {'; '.join(objections)}. {advice}")
        act = LaunchAct(actor, "promoted", reason, data={"despite": objections} if objections else None)
        # A hold would keep `is_promoted` False whatever the status is.
        lifted = {"hold": False} if before.held_somewhere else {}
        state = change_launch(redis, connection, before, act, status=LaunchStatus.PROMOTED, **lifted).state
    return ActResult(
        state=state,
        changed=True,
        sentence=_describe_promotion(name, before),
        remark=f'is_promoted("{name}") is True in every app within a second. Now send users to {state.spec.shadow}\'s '
        "version: darklaunch does not route them.",
        next_command=f"darklaunch report {name}",
    )


def list_promotion_objections(connection: Connection, before: CurrentLaunch) -> list[str]:
    """Return what objects to the promotion of a launch, [] if nothing does. Raises NoSuchLaunch."""
    objections = list_objections(read_judged_launch(connection, before.state.name).summary)
    stop = describe_stop(before)
    return [f"it {stop}", *objections] if stop else objections


def _describe_promotion(name: str, before: CurrentLaunch) -> str:
    ended = "rollback" if before.state.status is LaunchStatus.ROLLED_BACK else "hold"
    lifted = f", and its {ended} is lifted" if before.held_somewhere else ""
    return f"{name} is promoted{lifted}: within a second nothing is mirrored any more."
