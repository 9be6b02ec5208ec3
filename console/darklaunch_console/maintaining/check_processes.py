"""Who runs: hooks, workers, comparators, and one that leads. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from darklaunch_shared.alive import Process

from darklaunch_console.output.text import plural, printable

from .findings import Finding, fail, ok, warn


def check_processes(
    hooks: Sequence[Process], workers: Sequence[Process], comparators: Sequence[Process], *, active: bool
) -> list[Finding]:
    """Judge who is alive; `active` says that a launch is, so that somebody must be at work."""
    found = [
        ok(f"{plural(len(hooks), 'app process', 'app processes')} with the hook")
        if hooks
        else warn("No app with the hook has been seen on this Redis", "Add CaptureMiddleware to it: see the README.")
    ]
    for alive, kind, does in ((workers, "worker", "replays"), (comparators, "comparator", "compares and records")):
        if alive:
            found.append(ok(f"{plural(len(alive), kind)} running"))
        else:
            judged = fail if active else warn
            found.append(judged(f"No {kind} is running: nobody {does}", f"Start one: darklaunch {kind}."))
    if comparators and not any(process.about.get("leader") for process in comparators):
        found.append(warn("No comparator leads: nobody keeps house", "Wait some seconds; then see their logs."))
    versions = {str(p.about["version"]) for p in (*hooks, *workers, *comparators) if p.about.get("version")}
    if len(versions) > 1:
        listed = printable(", ".join(sorted(versions)))
        found.append(warn(f"Processes of several releases run: {listed}", "Finish the deployment."))
    return found
