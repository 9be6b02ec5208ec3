"""Whether hooks, workers, comparators and a leader are running, and their clocks agree. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from darklaunch_shared.redis.presence import ProcessRecord

from darklaunch_console.output.text import escape_unprintable, format_plural

from .check_redis import judge_clock
from .check_result import CheckLevel, CheckResult, fail, ok, warn


def check_processes(
    hooks: Sequence[ProcessRecord],
    workers: Sequence[ProcessRecord],
    comparators: Sequence[ProcessRecord],
    *,
    active: bool,
) -> list[CheckResult]:
    """Check which processes are alive; a missing one is a failure if a launch is `active`, else a warning."""
    results = [
        ok(f"{format_plural(len(hooks), 'app process', 'app processes')} with the hook")
        if hooks
        else warn("No app with the hook is running on this Redis", "Add CaptureMiddleware to it: see the README.")
    ]
    for alive, kind, happens in (
        (workers, "worker", "is replayed"),
        (comparators, "comparator", "is compared or recorded"),
    ):
        if alive:
            results.append(ok(f"{format_plural(len(alive), kind)} running"))
        else:
            report = fail if active else warn
            results.append(report(f"No {kind} is running: nothing {happens}", f"Start one: darklaunch {kind}."))
    results += check_waiting_workers(workers)
    if comparators and not any(process.about.get("leader") for process in comparators):
        results.append(
            warn(
                "No comparator is the leader: judging and clean-up are not running",
                "Wait 10 s, then check again; if it stays so, read the comparators' logs.",
            )
        )
    results += _check_clocks([*hooks, *workers, *comparators])
    versions = {str(p.about["version"]) for p in (*hooks, *workers, *comparators) if p.about.get("version")}
    if len(versions) > 1:
        listed = escape_unprintable(", ".join(sorted(versions)))
        results.append(warn(f"Processes of several releases run: {listed}", "Finish the deployment."))
    return results


def check_waiting_workers(workers: Sequence[ProcessRecord]) -> list[CheckResult]:
    """Report the launches that workers cannot replay, for the reason that their heartbeats give."""
    hosts: dict[tuple[str, str], set[str]] = {}
    for worker in workers:
        launches: object = worker.about.get("launches")
        for name, about in cast(dict[str, object], launches).items() if isinstance(launches, dict) else ():
            if isinstance(about, dict) and (trouble := cast(dict[str, object], about).get("trouble")):
                hosts.setdefault((name, str(trouble)), set()).add(str(worker.about.get("host", "?")))
    return [
        fail(
            f"{escape_unprintable(name)} is not replayed by the workers on {escape_unprintable(', '.join(sorted(on)))}",
            f"They say: {escape_unprintable(trouble)}. They try again every 5 s.",
        )
        for (name, trouble), on in sorted(hosts.items())
    ]


def _check_clocks(processes: Sequence[ProcessRecord]) -> list[CheckResult]:
    """Compare each host's clock with that of Redis, which timestamps every heartbeat.

    A delayed heartbeat makes its host look behind, never ahead, so of each host the heartbeat furthest ahead counts.
    """
    ahead_s: dict[str, float] = {}
    for process in processes:
        clock_ms = process.about.get("clock_ms")
        if isinstance(clock_ms, int):
            host = str(process.about.get("host", "?"))
            skew_s = (clock_ms - process.seen_ms) / 1000
            ahead_s[host] = max(ahead_s.get(host, skew_s), skew_s)
    clocks = [
        judge_clock(escape_unprintable(host), skew_s, reference="that of Redis")
        for host, skew_s in sorted(ahead_s.items())
    ]
    skewed = [result for result in clocks if result.level is not CheckLevel.OK]
    if clocks and not skewed:
        return [ok(f"The clocks of {format_plural(len(clocks), 'host')} agree with that of Redis")]
    return skewed
