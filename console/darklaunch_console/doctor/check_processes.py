"""Who runs: hooks, workers, comparators, and one that leads. Pure."""

from __future__ import annotations

from collections.abc import Sequence

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
    """Judge who is alive; `active` says that a launch is, so that somebody must be at work."""
    found = [
        ok(f"{format_plural(len(hooks), 'app process', 'app processes')} with the hook")
        if hooks
        else warn("No app with the hook has been seen on this Redis", "Add CaptureMiddleware to it: see the README.")
    ]
    for alive, kind, does in ((workers, "worker", "replays"), (comparators, "comparator", "compares and records")):
        if alive:
            found.append(ok(f"{format_plural(len(alive), kind)} running"))
        else:
            judged = fail if active else warn
            found.append(judged(f"No {kind} is running: nobody {does}", f"Start one: darklaunch {kind}."))
    if comparators and not any(process.about.get("leader") for process in comparators):
        found.append(
            warn(
                "No comparator is the leader: judging and clean-up are not running",
                "Wait some seconds; then see the comparators' logs.",
            )
        )
    found += _clocks([*hooks, *workers, *comparators])
    versions = {str(p.about["version"]) for p in (*hooks, *workers, *comparators) if p.about.get("version")}
    if len(versions) > 1:
        listed = escape_unprintable(", ".join(sorted(versions)))
        found.append(warn(f"Processes of several releases run: {listed}", "Finish the deployment."))
    return found


def _clocks(processes: Sequence[ProcessRecord]) -> list[CheckResult]:
    """Judge each host's clock by that of Redis, which stamps every sign of life.

    One that was long under way, while Redis was frozen, makes its host look behind, never ahead: of a host, the one
    that is furthest ahead counts.
    """
    ahead_s: dict[str, float] = {}
    for process in processes:
        told = process.about.get("clock_ms")
        if isinstance(told, int):
            host, skew_s = str(process.about.get("host", "?")), (told - process.seen_ms) / 1000
            ahead_s[host] = max(ahead_s.get(host, skew_s), skew_s)
    judged = [
        judge_clock(escape_unprintable(host), skew_s, whom="that of Redis") for host, skew_s in sorted(ahead_s.items())
    ]
    wrong = [finding for finding in judged if finding.level is not CheckLevel.OK]
    if judged and not wrong:
        return [ok(f"The clocks of {format_plural(len(judged), 'host')} agree with that of Redis")]
    return wrong
