"""Rules in words, with remarks about each: it has expired, its endpoint is never called, what it has excused."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from darklaunch_comparator.places import BadPath, PathStep, parse_rule_path
from darklaunch_comparator.rules import Rule, RuleSet, compute_rule_id
from darklaunch_comparator.store.report_queries import ExcuseCount

from darklaunch_console.output.screen import QUIET, STRONG, WARN, StyledLine, make_printable, wrap_text
from darklaunch_console.output.text import format_plural


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """A rule, whether it is in force, and how many differences it has excused; None where that was not counted."""

    id: str
    rule: Rule
    holds: bool
    excused: int | None
    notes: tuple[str, ...]


def assess_rules(
    rules: RuleSet, now: datetime, endpoints: Collection[str], excuses: Sequence[ExcuseCount]
) -> list[RuleStatus]:
    """Return the status of every rule; `endpoints` are those with recorded exchanges."""
    return [
        RuleStatus(
            compute_rule_id(rule),
            rule,
            rule.is_in_force(now),
            _count_excused(rule, excuses),
            tuple(_list_notes(rule, now, endpoints)),
        )
        for rule in rules.all()
    ]


def describe_rules(name: str, rules: list[RuleStatus]) -> str:
    """Return one line: how many rules there are, and how many have expired."""
    if not rules:
        return f"{name} has no rules: every difference counts, except those that are always excused."
    expired = sum(not status.holds for status in rules)
    also = f"; {expired:,} {'has' if expired == 1 else 'have'} expired and excuse{'s' * (expired == 1)} nothing"
    return f"{name} has {format_plural(len(rules), 'rule')}{also if expired else ''}."


def render_rules(statuses: Sequence[RuleStatus]) -> list[StyledLine]:
    """Return rules as lines, one rule below the other."""
    lines: list[StyledLine] = []
    for status in statuses:
        heading = f"{status.id}  {describe_rule(status.rule)}"
        lines += [(line, STRONG if status.holds else QUIET) for line in wrap_text(heading, "", "        ")]
        for detail in _list_details(status):
            lines += [(line, "") for line in wrap_text(detail, "        ", "  ")]
        for note in status.notes:
            lines += [(line, WARN) for line in wrap_text(f"Note: {note}.", "        ", "  ")]
    return lines


def describe_rule(rule: Rule) -> str:
    """Return a rule in a line: `ignore $.total_cents, pattern [0-9]+`."""
    settings = rule.dump_settings()
    path = settings.pop("path", "")
    parts = [f"{name} {_render_value(value)}" for name, value in settings.items()]
    return make_printable(", ".join([f"{rule.kind} {path}".strip(), *parts]), 300)


def rule_to_json(status: RuleStatus) -> dict[str, Any]:
    """Return a rule and its status as JSON values."""
    return {
        "id": status.id,
        "kind": status.rule.kind,
        **status.rule.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "holds": status.holds,
        "excused": status.excused,
        "notes": list(status.notes),
    }


def _list_details(status: RuleStatus) -> list[str]:
    rule = status.rule
    where = f"at {', '.join(rule.endpoints)}" if rule.endpoints else "at every endpoint"
    where = f"not at {', '.join(rule.excepted)}" if rule.excepted else where
    until = f"until {rule.expires}" if rule.expires else ""
    done = f"excused {format_plural(status.excused, 'difference')} so far" if status.excused else ""
    why = ": ".join(part for part in (rule.author, rule.reason) if part) or "no reason given"
    return [make_printable(why, 500), make_printable("; ".join(part for part in (where, until, done) if part), 500)]


def _list_notes(rule: Rule, now: datetime, endpoints: Collection[str]) -> list[str]:
    notes: list[str] = []
    if not rule.is_in_force(now):
        notes.append(f"it has expired ({rule.expires}) and excuses nothing")
    elif rule.ends_at is not None and rule.ends_at - now < timedelta(days=7):
        notes.append("it expires within a week")
    notes += [
        f"no exchange of {make_printable(endpoint, 80)} has been recorded"
        for endpoint in (*rule.endpoints, *rule.excepted)
        if endpoint not in endpoints
    ]
    if rule.kind in ("ignore", "structure_only") and rule.dump_settings() == {"path": "$"}:
        notes.append("it covers the whole body: no value in it can be a difference")
    return notes


def _count_excused(rule: Rule, excuses: Sequence[ExcuseCount]) -> int | None:
    """Count what was excused for the rule's reason where the rule applies; other rules may share the count."""
    path = str(getattr(rule, "path", ""))
    place = parse_rule_path(path) if path and rule.kind != "mask" else None
    if rule.kind in ("only", "mask", "strict_numbers"):
        return None
    reason = (
        "ignored_pattern" if rule.dump_settings().get("pattern") else {"ignore": "ignored"}.get(rule.kind, rule.kind)
    )
    never = {f"header:{name}" for name in getattr(rule, "never", ())}
    total = 0
    for excuse in excuses:
        if excuse.reason != reason or not _applies_at(rule, excuse.endpoint):
            continue
        if place is not None and place.steps is not None:
            covered = _covers(place.steps, excuse.path)
        elif place is not None and place.header:
            covered = excuse.path == f"header:{place.header}" or (place.header == "*" and "header:" in excuse.path)
        else:
            covered = excuse.path in never or excuse.path == "status"
        total += excuse.count if covered else 0
    return total


def _applies_at(rule: Rule, endpoint: str) -> bool:
    return endpoint in rule.endpoints if rule.endpoints else endpoint not in rule.excepted


def _covers(steps: tuple[PathStep, ...], recorded_path: str) -> bool:
    """True if a rule's path covers a recorded path, in which `[*]` stands for any index or key."""
    try:
        recorded = parse_rule_path(recorded_path).steps
    except BadPath:  # it was cut to the longest that is recorded
        return False
    if recorded is None:
        return False
    positions = {0}
    for step in recorded:
        if len(steps) in positions:
            return True
        following: set[int] = set()
        for at in positions:
            if steps[at].token is None or step.token is None or steps[at].token == step.token:
                following.add(at + 1)
            if steps[at].deep:
                following.add(at)
        positions = following
    return len(steps) in positions


def _render_value(value: object) -> str:
    if value is True:
        return "yes"
    return ", ".join(cast(list[str], value)) if isinstance(value, list) else str(value)
