"""Start a launch, after checking everything that can be wrong with it, and describe what was started."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from darklaunch_comparator.errors import LaunchExists
from darklaunch_comparator.judging.policy import JudgeMode, JudgePolicy
from darklaunch_comparator.judging.policy_file import dump_policy_json, read_policy
from darklaunch_comparator.store.launches import LaunchAct, create_launch, get_launch
from darklaunch_comparator.store.route_tables import read_routes
from darklaunch_shared.launch.spec import UNDECIDED_APP, LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.redis.presence import ProcessRecord

from darklaunch_console.errors import BadUsage, ConsoleError
from darklaunch_console.output.numbers import format_ms, format_percent
from darklaunch_console.output.screen import make_printable
from darklaunch_console.output.text import format_plural
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.installation import join_redis
from darklaunch_console.stores.postgres import open_postgres, open_redis
from darklaunch_console.stores.processes import list_live_comparators, list_live_hooks
from darklaunch_console.stores.streams import read_captured_origins, read_recorded_origins

from .change import current_actor, publish_change, read_published
from .description import JUDGE_MODE_WORDS, STATUS_WORDS, describe_mirroring
from .idle_filters import explain_idle_filters
from .launch_json import change_to_json
from .mirrored_app import choose_app, describe_apps, list_apps, select_hooks
from .origins import resolve_called_origins
from .policy import describe_clearing, read_webhooks, waive_recorded_latency
from .shadow_probe import ProbeResult

PERCENT: Final = 10.0
ADD_THE_HOOK: Final = "app.add_middleware(darklaunch.CaptureMiddleware), with DARKLAUNCH_REDIS_URL in its environment"


@dataclass(frozen=True, slots=True)
class StartedLaunch:
    """A launch that was started: probes of shadow and control, and the processes that are alive.

    hooks  those of all apps on this Redis
    idle   why no request passes the launch's filters; "" if one may
    """

    state: LaunchState
    shadow: ProbeResult
    control: ProbeResult | None
    hooks: tuple[ProcessRecord, ...]
    comparators: tuple[ProcessRecord, ...]
    idle: str

    @property
    def own_hooks(self) -> list[ProcessRecord]:
        """The processes of the app that the launch mirrors."""
        return select_hooks(self.hooks, self.state.spec)


def start_launch(
    settings: ConsoleSettings, name: str, spec: LaunchSpec, policy: JudgePolicy, percent: float | None, reason: str
) -> StartedLaunch:
    """Check, record and publish a new launch; without `percent` it begins at 10 %, or at the first step of mode auto.

    Without an app in the specification it mirrors the only one that is seen. Raises BadOrigin, and ConsoleError when a
    server must not be called, the name is taken, or several apps are seen and none was named.
    """
    if spec.is_recorded:
        if percent is not None or policy.mode is JudgeMode.AUTO:
            raise BadUsage("--recorded mirrors traffic files whole: leave --percent and --ramp auto out")
        percent, policy = 100.0, waive_recorded_latency(policy)
    if percent is None:
        percent = policy.steps[0].percent if policy.mode is JudgeMode.AUTO else PERCENT
    spec = replace(spec, policy=dump_policy_json(policy) if policy != JudgePolicy() else "")
    origins = resolve_called_origins(spec)
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        join_redis(redis, connection)
        hooks = tuple(list_live_hooks(redis))
        if not spec.is_recorded:
            spec = spec.for_app(choose_app(spec.app, hooks))
        captured = {*read_captured_origins(redis), *read_recorded_origins(connection)}
        for origin in origins:
            origin.refuse_primary(captured)
        probes = {origin.role: origin.probe() for origin in origins}
        for origin in origins:
            origin.refuse_capturing(probes[origin.role], redis)
        revision, *_ = read_published(redis, name)
        act = LaunchAct(current_actor(), "started", reason)
        try:
            record = create_launch(connection, name, spec, act, percent=percent, above=revision)
        except LaunchExists:
            raise ConsoleError(_explain_existing(get_launch(connection, name).state)) from None
        connection.commit()
        publish_change(redis, record, lift_hold=True)
        idle = explain_idle_filters(record.state.spec, read_routes(connection, record.state.spec.app)[0])
        comparators = tuple(list_live_comparators(redis))
    return StartedLaunch(record.state, probes["shadow"], probes.get("control"), hooks, comparators, idle)


def describe_start(started: StartedLaunch) -> list[str]:
    """Return what was started in lines: what is mirrored first, then what was checked, then what to type next."""
    state = started.state
    policy = read_policy(state.spec.policy)
    notes = [" ".join(_describe_checks(started)), _describe_second_replays(state)]
    if policy.mode is not JudgeMode.ADVISE:
        notes.append(f"The judge {JUDGE_MODE_WORDS[policy.mode]}.")
    if policy != JudgePolicy(mode=policy.mode):
        notes.append(describe_clearing(policy, 0.0))
    if state.spec.is_recorded:
        notes.append(f"Next: darklaunch import {state.name} FILE")
        return _head_start(started, notes)
    if not started.hooks:
        notes.append(f"No app with the hook is running on this Redis. Add it: {ADD_THE_HOOK}")
    notes.append(f"Next: darklaunch watch {state.name}")
    return _head_start(started, notes)


def _head_start(started: StartedLaunch, notes: list[str]) -> list[str]:
    """Return the lines of a start: what is mirrored first, with what is wrong about it, then the notes."""
    state = started.state
    down = f", but its shadow {make_printable(started.shadow.trouble)}" if started.shadow.trouble else ""
    down = f", but mirrors nothing: {started.idle}" if started.idle else down
    return [f"{state.name} is active{down}: {describe_mirroring(state)}", *(f"  {note}" for note in notes if note)]


def describe_start_warnings(started: StartedLaunch) -> list[str]:
    """Return a warning for each of shadow and control that does not respond, and for an app that is not seen."""
    state, warnings = started.state, list[str]()
    if list_apps(started.hooks) and not started.own_hooks and not state.spec.is_recorded:
        warnings.append(
            f"no process of the app {make_printable(state.spec.app, 60)} has been seen with the hook, only of "
            f"{describe_apps(started.hooks)}. Until one comes, nothing is mirrored."
        )
    if started.idle:
        warnings.append(f"{started.idle}. Nothing will be mirrored: start another launch with other patterns.")
    if read_webhooks(state) and not any(process.about.get("signs_webhooks") for process in started.comparators):
        warnings.append(
            "the policy has webhooks, but no running comparator has a secret to sign them: none will be sent. Set "
            "DARKLAUNCH_WEBHOOK_SECRET for the comparators."
        )
    if started.shadow.trouble:
        warnings.append(
            f"the shadow {state.spec.shadow} {make_printable(started.shadow.trouble)}. Requests are mirrored all the "
            f"same and count as shadow errors; `darklaunch pause {state.name}` stops that."
        )
    if started.control and started.control.trouble:
        warnings.append(
            f"the control {state.spec.control} {make_printable(started.control.trouble)}. Until it responds, nothing "
            "is learned about noise; the launch goes on."
        )
    return warnings


def start_as_json(started: StartedLaunch) -> dict[str, object]:
    """Return what `start --json` prints."""
    state, shadow, control = started.state, started.shadow, started.control
    return change_to_json(
        state,
        changed=True,
        shadow_answers=not shadow.trouble,
        shadow_status=shadow.status or None,
        shadow_ms=round(shadow.took_ms, 1),
        shadow_trouble=shadow.trouble or None,
        shadow_has_hook=shadow.hook,
        control=state.spec.control or None,
        control_answers=None if control is None else not control.trouble,
        control_trouble=(control and control.trouble) or None,
        noise_percent=state.spec.noise_percent,
        app=None if state.spec.app == UNDECIDED_APP else state.spec.app,
        hooks=len(started.own_hooks),
        apps=list_apps(started.hooks),
    )


def _describe_checks(started: StartedLaunch) -> list[str]:
    checks: list[str] = []
    for role, probe in (("Shadow", started.shadow), ("Control", started.control)):
        if probe and not probe.trouble:
            checks.append(f"{role} responds (HTTP {probe.status} in {format_ms(probe.took_ms)}).")
    if hooks := len(started.own_hooks):
        processes = format_plural(hooks, "app process", "app processes")
        checks.append(f"{processes} with the hook {'is' if hooks == 1 else 'are'} listening.")
    if not started.state.spec.allow:
        checks.append("Writes are not mirrored (allow one with --allow 'POST /path').")
    return checks


def _describe_second_replays(state: LaunchState) -> str:
    spec = state.spec
    if not (spec.compare and spec.noise_percent):
        return ""
    where = f"to the control {spec.control} as well" if spec.control else "to the shadow a second time"
    return f"To learn what is noise, {format_percent(spec.noise_percent)} of the reads go {where}."


def _explain_existing(state: LaunchState) -> str:
    name, mirrors = state.name, f"it mirrors to {state.spec.shadow}"
    if state.status is LaunchStatus.ACTIVE and not state.hold:
        return (
            f'there is a launch "{name}" already, active at {format_percent(state.percent)}; {mirrors}. Change its '
            f"share with `darklaunch ramp {name} PERCENT`, or choose another name"
        )
    status = "held" if state.status is LaunchStatus.ACTIVE else STATUS_WORDS[state.status]
    return (
        f'there is a launch "{name}" already, {status}; {mirrors}. Go on with it: `darklaunch resume {name}`, '
        "or choose another name: the evidence of two launches must not be mixed"
    )
