"""A launch's settings and its history in lines. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import cast

from darklaunch_comparator.errors import BadPolicy
from darklaunch_comparator.judging.policy_file import read_policy
from darklaunch_comparator.rules import load_rules
from darklaunch_comparator.store.launches import LaunchEvent
from darklaunch_comparator.store.report_queries import LaunchLedger
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState

from darklaunch_console.launches.description import JUDGE_MODE_WORDS, describe_mirroring, describe_status
from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.screen import make_printable, wrap_text
from darklaunch_console.output.times import format_second

from .events import describe_event


def describe_launch(state: LaunchState) -> str:
    """Return what a launch does: `shop-v2 is active: 10 % of GET, … requests are mirrored to http://…`."""
    doing = describe_mirroring(state) if state.fraction else f"nothing is mirrored to {state.spec.shadow}"
    return f"{state.name} is {describe_status(state)}: {doing}."


def list_settings(state: LaunchState, ledger: LaunchLedger) -> list[str]:
    """Return every setting that is not the default, the policy and the rules with where to see them, and the counts."""
    lines = [f"{setting}: {value}" for setting, value in _list_own_settings(state.spec)]
    lines.append(f"policy: the judge {_describe_judge(state.spec)}, see darklaunch policy show {state.name}")
    if rules := load_rules(state.spec.rules).all():
        lines.append(f"rules: {format_count(len(rules))}, see darklaunch rules show {state.name}")
    compared = ledger.matched + ledger.mismatched + ledger.ignored
    figures = (("sampled", ledger.sampled), ("compared", compared), ("mismatched", ledger.mismatched))
    return [*lines, ", ".join(f"{name} {format_count(number)}" for name, number in figures)]


def render_events(events: Sequence[LaunchEvent]) -> list[str]:
    """Return events, each with its time, who caused it, and why."""
    lines: list[str] = []
    for event in events:
        why = f": {make_printable(event.reason)}" if event.reason else ""
        text = f"{format_second(event.at)}  {describe_event(event)} by {make_printable(event.actor, 60)}{why}"
        lines += wrap_text(text, "  ", "          ")
    return lines


def _describe_judge(spec: LaunchSpec) -> str:
    try:
        return JUDGE_MODE_WORDS[read_policy(spec.policy).mode]
    except BadPolicy as broken:
        return f"judges nothing: {broken}"


def _list_own_settings(spec: LaunchSpec) -> list[tuple[str, str]]:
    defaults = asdict(LaunchSpec(spec.shadow))
    return [
        (name.replace("_", " "), ", ".join(cast(tuple[str, ...], value)) if isinstance(value, tuple) else str(value))
        for name, value in asdict(spec).items()
        if value != defaults[name] and name not in ("rules", "policy")
    ]
