"""Each launch: whether its record and its copy on Redis agree, its shadow responds, and the pipeline keeps up."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from darklaunch_comparator.rules import MASKS_UNREADABLE, has_unreadable_masks
from darklaunch_comparator.store.launches import LaunchRecord
from darklaunch_shared import keys
from darklaunch_shared.errors import BadOrigin
from darklaunch_shared.launch.origin import parse_origin
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus
from darklaunch_shared.redis.presence import ProcessRecord

from darklaunch_console.launches.policy import read_webhooks
from darklaunch_console.launches.shadow_probe import (
    explain_forbidden,
    find_captured_at,
    probe_launch_origin,
    resolve_host,
)
from darklaunch_console.output.numbers import format_count, format_ms, format_seconds
from darklaunch_console.output.text import escape_unprintable, format_plural
from darklaunch_console.stores.streams import StreamsState

from .check_result import CheckResult, fail, ok, warn

PROBE_S: Final = 3.0
AT_ONCE: Final = 8


def check_agreement(records: Sequence[LaunchRecord], copies: Mapping[str, LaunchState]) -> list[CheckResult]:
    """Compare the record of every launch with the copy on Redis that hooks and workers obey."""
    results: list[CheckResult] = []
    for record in records:
        state, copy = record.state, copies.get(record.state.name)
        if copy is None:
            what = f"{state.name} is recorded, but missing or damaged on Redis: hooks and workers treat it as paused"
            results.append(fail(what, "Start a comparator, which publishes it, or change the launch."))
        elif copy.revision < state.revision:
            what = f"{state.name} is at revision {state.revision}, Redis has {copy.revision}"
            results.append(warn(what, "Start a comparator, which publishes it, or change the launch again."))
        elif copy.hold and not state.hold:
            what = f"{state.name} is held on Redis, which is not recorded yet"
            results.append(warn(what, f"A comparator records it; darklaunch resume {state.name} lifts it."))
        if has_unreadable_masks(state.spec.rules):
            results.append(
                fail(
                    f"{state.name}: {MASKS_UNREADABLE}",
                    f"Write them again: darklaunch rules apply {state.name} -f FILE.",
                )
            )
    recorded = {record.state.name for record in records}
    for name in sorted(copies.keys() - recorded):
        do = f"Is DATABASE_URL right? If so, darklaunch rollback {name} stops it."
        results.append(warn(f"{name} is on Redis, but not recorded in this Postgres", do))
    return results


def check_holds(unknown: Iterable[str], known: Sequence[str]) -> list[CheckResult]:
    """Report each hold that stops nothing, because there is no launch of its name."""
    results: list[CheckResult] = []
    for name in unknown:
        shown = escape_unprintable(name)
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        meant = f"If {near[0]} was meant: darklaunch rollback {near[0]}. " if near else ""
        what = f"{shown} is held on Redis, but there is no such launch: the hold stops nothing"
        results.append(
            fail(what, f"{meant}Then remove it: darklaunch redis-cli DEL {shlex.quote(keys.launch(shown))}.")
        )
    return results


def check_filters(idle: Mapping[str, str]) -> list[CheckResult]:
    """Report active launches whose filters let no request through; `idle` has the reason by launch."""
    return [
        warn(f"{name} mirrors nothing: {why}", f"Stop it, darklaunch rollback {name}, and start one with others.")
        for name, why in idle.items()
    ]


def check_webhooks(states: Iterable[LaunchState], comparators: Sequence[ProcessRecord]) -> list[CheckResult]:
    """Report launches whose webhooks no comparator can sign, so that none would be sent."""
    if not comparators or any(process.about.get("signs_webhooks", True) for process in comparators):
        return []
    telling = sorted(state.name for state in states if read_webhooks(state))
    if not telling:
        return []
    what = f"{', '.join(telling)}: webhooks are set, but no comparator has the secret to sign them: none will be sent"
    return [warn(what, "Set DARKLAUNCH_WEBHOOK_SECRET for the comparators.")]


def check_shadows(
    states: Iterable[LaunchState],
    captured: Iterable[str],
    outages: Mapping[str, str],
    producers: Collection[str] = (),
) -> list[CheckResult]:
    """Resolve and probe the shadow of every active launch, and its control where it has one, several at once.

    `captured` are the origins of recent exchanges, `producers` those that are alive on this Redis, `outages` the
    launches whose shadow does not respond to the workers either, with the judge's words for it.
    """
    active = [state for state in states if state.status is LaunchStatus.ACTIVE and not state.hold]
    origins = set(captured)
    if not active:
        return []
    targets: list[tuple[LaunchState, str, str]] = [(state, "shadow", state.spec.shadow) for state in active]
    targets += [(state, "control", state.spec.control) for state in active if state.spec.control]
    with ThreadPoolExecutor(min(AT_ONCE, len(targets))) as pool:
        results = list(pool.map(partial(_check_target, origins, producers), targets))
    down = [(state, outages[state.name]) for state in active if state.name in outages]
    return [_report_outage(state, why) for state, why in down] + results


def _report_outage(state: LaunchState, why: str) -> CheckResult:
    do = f"Start it at {escape_unprintable(state.spec.shadow)}, or stop mirroring: darklaunch pause {state.name}."
    return fail(f"{state.name}: shadow down: {escape_unprintable(why)}", do)


def _check_target(captured: set[str], producers: Collection[str], target: tuple[LaunchState, str, str]) -> CheckResult:
    state, role, url = target
    name, shown = state.name, escape_unprintable(url)
    try:
        origin = parse_origin(url, role)
    except BadOrigin as invalid:
        return fail(f"{name}: {invalid}", f"Start another launch with a {role} that can be called.")
    addresses = resolve_host(origin.host, origin.port)
    if not addresses:
        return warn(f"{name}: the name of its {role} {shown} does not resolve here", "Check it where the workers run.")
    if (why := explain_forbidden(addresses)) and not state.spec.allow_metadata:
        return fail(f"{name}: its {role} must not be called: {why}", f"Stop it: darklaunch rollback {name}.")
    if primary := find_captured_at(origin, addresses, captured):
        origin_shown = escape_unprintable(primary)
        what = f"{name}: its {role} {shown} is the primary itself, whose requests are captured at {origin_shown}"
        meant = "the new version's address" if role == "shadow" else "the address of another instance"
        return fail(what, f"Stop it: darklaunch rollback {name}; then start one with {meant}.")
    probe = probe_launch_origin(origin, addresses[0], state.spec, PROBE_S)
    if probe.producer in producers:
        what = f"{name}: its {role} {shown} is the primary itself: its hook captures into this Redis"
        return fail(what, f"Stop it: darklaunch rollback {name}; or start the {role} without DARKLAUNCH_REDIS_URL.")
    if probe.trouble:
        what = f"{name}: its {role} {shown} {escape_unprintable(probe.trouble)}"
        if probe.unasked:
            return warn(what, "Run doctor where the workers run, or copy the file here.")
        if probe.reached:
            do = f"Mend it there, or stop it, darklaunch rollback {name}, and start one with another URL, --ca or such."
            return (fail if role == "shadow" else warn)(what, do)
        if role == "shadow":
            return fail(what, f"Start it, or stop mirroring: darklaunch pause {name}.")
        return warn(what, "Start it. Until then nothing is learned about noise.")
    return ok(f"{name}: its {role} {shown} responds (HTTP {probe.status} in {format_ms(probe.took_ms)})")


def check_backlogs(backlogs: Mapping[str, tuple[LaunchState, StreamsState]]) -> list[CheckResult]:
    """Check whether the pipeline keeps up with each launch, and whether there are dead letters."""
    results: list[CheckResult] = []
    for name, (state, streams_state) in backlogs.items():
        streams = [stream for shard in streams_state.shards for stream in (shard.captures, shard.replays)]
        oldest_s = max((stream.oldest_s for stream in streams), default=0.0)
        waiting = sum(stream.length for stream in streams)
        if waiting and oldest_s > state.spec.max_age_s / 2 and state.status is not LaunchStatus.PAUSED:
            what = f"{name} is {format_seconds(oldest_s)} behind with {format_plural(waiting, 'exchange')}"
            limit = f"After {format_seconds(state.spec.max_age_s)} they are dropped (stale), not replayed."
            do = f"{limit} If its shadow responds: add workers, or lower its share: darklaunch ramp {name} PERCENT."
            results.append(warn(what, do))
        if dead := sum(shard.dead for shard in streams_state.shards):
            what = f"{name} has {format_plural(dead, 'dead letter')}"
            results.append(warn(what, f"Look: darklaunch dead list {name}."))
        if lost := sum(shard.ledger.get("lost_pel", 0) for shard in streams_state.shards):
            what = f"{name}: {format_count(lost)} exchanges were deleted from their stream before they were done"
            results.append(warn(what, "Something trims or deletes the streams; only darklaunch may."))
    return results
