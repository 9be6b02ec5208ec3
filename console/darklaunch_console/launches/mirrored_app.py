"""Which app a launch is for: the one that is named, or the only one whose hook is on this Redis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.spec import UNDECIDED_APP, LaunchSpec, check_app
from darklaunch_shared.redis.presence import ProcessRecord

from darklaunch_console.errors import BadUsage, ConsoleError
from darklaunch_console.output.screen import make_printable
from darklaunch_console.output.text import format_plural


def choose_app(wanted: str, hooks: Sequence[ProcessRecord]) -> str:
    """Return the app of a new launch; UNDECIDED_APP while no app has been seen. `wanted` is "" unless one was named.

    Raises ConsoleError when several apps are seen and none was named, BadUsage for an impossible name.
    """
    if wanted:
        try:
            return check_app(wanted)
        except BadLaunch as error:
            raise BadUsage(f"--app {error}") from None
    apps = list_apps(hooks)
    if len(apps) > 1:
        raise ConsoleError(
            f"{len(apps)} apps with the hook are on this Redis, and a launch mirrors one: {describe_apps(hooks)}. Name "
            "the one that the shadow is a version of: --app NAME"
        )
    return apps[0] if apps else UNDECIDED_APP


def list_apps(hooks: Iterable[ProcessRecord]) -> list[str]:
    """Return the names of the apps that these hooks are in, each once."""
    return sorted({app for hook in hooks if (app := read_app(hook))})


def read_app(hook: ProcessRecord) -> str:
    """Return the name of the app that a hook is in, "" if it does not say."""
    return str(hook.about.get("app") or "")


def select_hooks(hooks: Iterable[ProcessRecord], spec: LaunchSpec) -> list[ProcessRecord]:
    """Return the hooks in the app that a launch mirrors."""
    return [hook for hook in hooks if spec.belongs_to(read_app(hook))]


def describe_apps(hooks: Iterable[ProcessRecord], limit: int = 8) -> str:
    """Return the apps in a line: `admin (django, 1 process), shop (fastapi, 2 processes)`."""
    frameworks: dict[str, str] = {}
    processes: Counter[str] = Counter()
    for hook in hooks:
        frameworks[read_app(hook)] = str(hook.about.get("framework") or "")
        processes[read_app(hook)] += 1
    apps = [
        f"{make_printable(app, 40)} ({', '.join(filter(None, (make_printable(frameworks[app], 20), count)))})"
        for app in sorted(processes)
        if (count := format_plural(processes[app], "process", "processes"))
    ]
    more = f" and {len(apps) - limit} more" if len(apps) > limit else ""
    return ", ".join(apps[:limit]) + more
