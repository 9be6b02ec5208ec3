"""The verdict about a launch in words. `describe_verdict` is the sentence that every command and page begins with.

Pure. What the judge itself has to say (`why`, `what`) is written by `judging.explain` and only quoted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from darklaunch_comparator.judging.explain import format_chance
from darklaunch_shared.launch.spec import LaunchStatus

from darklaunch_console.output.numbers import format_count, format_decimal, format_seconds
from darklaunch_console.output.screen import BAD, GOOD, STRONG, StyledLine, make_printable, wrap_text
from darklaunch_console.output.text import format_plural
from darklaunch_console.output.times import format_second

from .coverage import describe_coverage
from .judgement import QUIET_S, JudgedLaunch, VerdictAnswer
from .noise_sentences import describe_far_numbers

STYLES: Final = {VerdictAnswer.PROMOTE: GOOD, VerdictAnswer.ROLL_BACK: BAD, VerdictAnswer.UNDECIDED: STRONG}
LISTED: Final = 8
"""Endpoints, places or builds named before the rest is only counted."""
_QUANTILES: Final = ("p50", "p95", "p99")


def describe_verdict(judged: JudgedLaunch) -> str:
    """Return the verdict and the reason for it, in one sentence."""
    why = make_printable(str(judged.summary.get("why", "")), 400)
    verdict = judged.summary.get("verdict")
    if judged.state.status is LaunchStatus.ROLLED_BACK:
        decided = verdict in ("roll_back", "shadow_down") and judged.summary.get("move") == "roll_back"
        return f"ROLLED BACK: {why}." if decided else f"ROLLED BACK {_describe_ending(judged)}."
    if judged.state.status is LaunchStatus.PROMOTED:
        return f"PROMOTED: {why}." if verdict == "promote" else f"PROMOTED {_describe_ending(judged)}."
    if verdict == "shadow_down":
        return f"SHADOW DOWN: {why}."
    if verdict == "roll_back":
        return f"ROLL BACK: {why}."
    if verdict == "promote":
        return f"PROMOTE: {why}."
    if not judged.summary.get("judged"):
        return f"KEEP WATCHING: nothing has been judged yet{_explain_nothing_judged(judged)}."
    if verdict == "insufficient_traffic":
        return f"INSUFFICIENT TRAFFIC: {why}."
    judged_n = format_plural(judged.summary["judged"], "exchange")
    if judged.summary.get("on_course"):
        return f"KEEP WATCHING: {why}; {judged_n} judged."
    if verdict == "not_judged":
        return f"NOT JUDGED: {why}."
    return f"KEEP WATCHING: {judged_n} judged, {describe_needed(judged)}."


def render_verdict(judged: JudgedLaunch, late_exchanges: int) -> list[StyledLine]:
    """Return the verdict and all that a reader should know beside it, in lines that fit the terminal."""
    lines = [(line, STYLES[judged.answer]) for line in wrap_text(describe_verdict(judged))]
    remarks = [*list_details(judged), *list_routes(judged)]
    if late_exchanges:
        remarks.append(describe_late_exchanges(late_exchanges))
    return [*lines, *((part, "") for remark in remarks for part in wrap_text(remark.lstrip(), _indent(remark), "  "))]


def describe_needed(judged: JudgedLaunch) -> str:
    """Return what a promotion still needs: `about 2,199 more needed, 9 min at 4.1 a second`."""
    exchanges = int(judged.summary.get("needed", 0))
    soak_s = judged.summary.get("soak_ms", 0) / 1000
    uncleared = [guard for guard in judged.summary.get("open", ()) if guard in _QUANTILES]
    if not exchanges and uncleared:
        return f"not shown to be no slower at {', '.join(uncleared)}: {judged.summary['latency']['what']}"
    if not exchanges:
        return f"to be watched for {format_seconds(soak_s)} more" if soak_s else "nothing more is needed"
    duration = ""
    if judged.per_s > 0:
        wait = format_seconds(max(exchanges / judged.per_s, soak_s))
        duration = f", {wait} at {format_decimal(judged.per_s)} a second"
    return f"about {format_count(exchanges)} more needed{duration}"


def list_details(judged: JudgedLaunch) -> list[str]:
    """Return what a reader should know beside the verdict: other failures, what is missing, what was not checked."""
    summary = judged.summary
    if not summary.get("judged"):
        return [*_list_outage_advice(judged), *list_doubts(judged)]
    lines = _list_outage_advice(judged)
    leading = cast(dict[str, Any], summary["leading"])
    others = [each for each in _values(summary, "guilty") if each["endpoint"] != leading["endpoint"]]
    if others:
        named = [make_printable(str(each["what"]), 120) for each in others[:LISTED]]
        more = f"; and {format_count(len(others) - LISTED)} more" if len(others) > LISTED else ""
        lines.append(f"Also: {'; '.join(named)}{more}.")
    lines += list_accused_places(summary)
    if summary["verdict"] not in ("roll_back", "shadow_down", "promote"):
        lines.append(_describe_evidence(summary))
    return lines + list_remarks(judged) + _list_builds(judged)


def list_accused_places(summary: Mapping[str, Any]) -> list[str]:
    """Return the places of responses that differ more than noise explains, as when the rollback was decided."""
    places = cast(list[dict[str, Any]], summary.get("places", []))
    lines = [make_printable(str(place["what"]), 300) for place in places[:LISTED]]
    return lines + ([f"and {format_count(len(places) - LISTED)} more places"] if len(places) > LISTED else [])


def list_remarks(judged: JudgedLaunch) -> list[str]:
    """Return what a person has to do, what a promotion still lacks, and what is not checked."""
    summary = judged.summary
    lines: list[str] = []
    running = judged.state.status not in (LaunchStatus.ROLLED_BACK, LaunchStatus.PROMOTED)
    if running and summary["move"] and summary["by_hand"]:
        lines.append(_describe_next_step(judged, str(summary["move"])))
    lines += list_doubts(judged)
    if summary["verdict"] not in ("roll_back", "shadow_down"):
        lines += _list_unjudged_endpoints(summary)
    lines += _list_unchecked(judged)
    if judged.quiet_s > QUIET_S and judged.state.fraction:
        quiet = format_seconds(judged.quiet_s)
        lines.append(f"Nothing was captured for {quiet}. Without traffic the verdict does not change.")
    return lines


def list_doubts(judged: JudgedLaunch) -> list[str]:
    """Return why exchanges wait to be judged: a difference in them may turn out to be noise."""
    if not judged.doubted or judged.judgement is None:
        return []
    endpoint, title = judged.doubted[0]
    more = f" and {format_count(len(judged.doubted) - 1)} more" if len(judged.doubted) > 1 else ""
    since = format_second(judged.judgement.judged_until)
    return [
        f"Waiting, for 10 min at most, to know if this is noise: {make_printable(endpoint, 60)} "
        f"{make_printable(title, 90)}{more}. What came since {since} is judged then."
    ]


def list_routes(judged: JudgedLaunch) -> list[str]:
    """Return how many of the app's routes are judged, in at most one line."""
    return [f"{describe_coverage(judged.coverage)}."] if judged.coverage else []


def describe_late_exchanges(number: int) -> str:
    """Return how many exchanges were recorded too late to influence the verdict."""
    return f"{format_plural(number, 'exchange')} came after the window was judged: counted, but no evidence."


def _list_outage_advice(judged: JudgedLaunch) -> list[str]:
    """Return what to do about a shadow that is down."""
    if judged.summary.get("verdict") != "shadow_down" or judged.state.status is not LaunchStatus.ACTIVE:
        return []
    advice = f"Start the shadow at {judged.state.spec.shadow}, or stop mirroring: darklaunch pause {judged.state.name}."
    if judged.summary["move"] is None:
        return [advice]
    return [advice, f"Or end the launch: darklaunch rollback {judged.state.name}"] if judged.summary["by_hand"] else []


def _describe_evidence(summary: Mapping[str, Any]) -> str:
    limit = format_decimal(1 / float(summary["policy"]["alpha"]))
    chance = format_chance(float(summary["log_e"]))
    return f"Evidence against the shadow: {chance}. Below 1 in {limit} the verdict is to roll back."


def _describe_next_step(judged: JudgedLaunch, move: str) -> str:
    name = judged.state.name
    if move == "roll_back":
        return f"Next: darklaunch rollback {name} (the policy lets the judge advise, not act)"
    if move == "promote":
        return f"Next: darklaunch promote {name} (the policy leaves that to a person)"
    step = judged.summary["policy"]["steps"][judged.summary["step"] + 1]
    return f"Next: darklaunch ramp {name} {step['percent']:g} (the policy leaves that to a person)"


def _describe_ending(judged: JudgedLaunch) -> str:
    if judged.ending is None:
        return "by a person"
    why = f": {make_printable(judged.ending.reason, 400).rstrip('.')}" if judged.ending.reason else ""
    return f"by {make_printable(judged.ending.actor, 60)}{why}"


def _list_builds(judged: JudgedLaunch) -> list[str]:
    """Return which of the shadow's builds is judged, and for which others there is evidence of their own."""
    judged_build = judged.summary["build"]
    others = [
        f"{make_printable(build.build, 40) or 'one without a name'} ({format_plural(build.judged, 'exchange')}"
        f"{', to be rolled back' if build.condemned else ''})"
        for build in judged.builds
        if build.build != judged_build
    ]
    if not judged_build and not others:
        return []
    named = f"build {make_printable(judged_build, 100)}" if judged_build else "a build without a name"
    apart = f" Other builds, judged by themselves: {', '.join(others[-LISTED:])}." if others else ""
    return [f"This is about {named}.{apart}"]


def _list_unjudged_endpoints(summary: Mapping[str, Any]) -> list[str]:
    uncovered = _values(summary, "uncovered")
    if not uncovered:
        return []
    missing = summary["endpoints"] - summary["covered"]
    lines = [f"Not judged yet: {format_count(missing)} of {format_plural(summary['endpoints'], 'endpoint')}:"]
    lines += [f"  {make_printable(str(each['what']), 160)}" for each in uncovered[:LISTED]]
    return lines + ([f"  and {format_count(missing - LISTED)} more"] if missing > LISTED else [])


def _list_unchecked(judged: JudgedLaunch) -> list[str]:
    lines: list[str] = []
    if not judged.state.spec.compare:
        lines.append("Not checked: whether responses differ, because comparison is off (--no-compare).")
    if left_out := judged.summary.get("left_out", 0):
        kinds = format_plural(left_out, "kind")
        lines.append(
            f"Not counted: {kinds} of mismatch that may be noise. Each counts once it is known not to be noise."
        )
    if judged.far:
        lines.append(describe_far_numbers(judged.far))
    latency = judged.summary["latency"]
    if latency["waived"] or latency["clock"] == "worker":
        lines.append(f"{str(latency['what']).capitalize()}.")
    return lines


def _explain_nothing_judged(judged: JudgedLaunch) -> str:
    if judged.judgement is None:
        return "; no comparator has looked at it"
    if judged.doubted:
        return "; what differs may be noise"
    if judged.busy:
        return "; what came in the last minute soon will be"
    return "; without traffic it is neither promoted nor rolled back"


def _indent(remark: str) -> str:
    """Return the indentation of a remark: two columns, and more for an item of the list before it."""
    return " " * (2 + len(remark) - len(remark.lstrip()))


def _values(summary: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], summary[name])
