"""Whether each launch has an app to mirror, and only the one it is for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from darklaunch_shared.launch.spec import UNDECIDED_APP, LaunchState
from darklaunch_shared.redis.presence import ProcessRecord

from darklaunch_console.launches.mirrored_app import describe_apps, list_apps, select_hooks

from .check_result import CheckResult, fail, warn


def check_apps(states: Iterable[LaunchState], hooks: Sequence[ProcessRecord]) -> list[CheckResult]:
    """Judge the app of every launch that samples against the apps whose hooks are alive."""
    if not hooks:
        return []  # said already, for all launches
    sampling = [state for state in states if state.fraction > 0 and not state.spec.is_recorded]
    return [result for state in sampling if (result := _check_app(state, hooks))]


def _check_app(state: LaunchState, hooks: Sequence[ProcessRecord]) -> CheckResult | None:
    name, app, running = state.name, state.spec.app, describe_apps(hooks)
    again = f"Stop it, darklaunch rollback {name}, and start one with --app NAME."
    several = len(list_apps(hooks)) > 1
    if app == UNDECIDED_APP:
        if not several:
            return None  # the leader is about to choose the only one
        return fail(f"{name} mirrors nothing: it was started before any app was seen, and these are: {running}", again)
    if not app:
        return warn(f"{name} mirrors every app on this Redis: {running}", again) if several else None
    if not select_hooks(hooks, state.spec):
        what = f"{name} mirrors nothing: no process of the app {app} is running with the hook, only of {running}"
        return fail(what, f"Start the app, or give it that name (app_name). {again}")
    return None
