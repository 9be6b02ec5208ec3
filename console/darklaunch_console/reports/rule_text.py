"""Rules in words, with what is to be said of each: expired, about an endpoint that nobody calls, what it excused."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from darklaunch_comparator.places import BadPath, PathStep, parse_rule_path
from darklaunch_comparator.rules import Rule, RuleSet, compute_rule_id
from darklaunch_comparator.store.report_queries import ExcuseCount

from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.screen import QUIET, STRONG, WARN, make_printable, print_line, wrap_text
from darklaunch_console.output.text import format_plural


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """A rule and what is known of it. `excused` is None where what was counted does not tell which rule it was."""

    id: str
    rule: Rule
    holds: bool
    excused: int | None
    notes: tuple[str, ...]


def assess_rules(
    rules: RuleSet, now: datetime, endpoints: Collection[str], excuses: Sequence[ExcuseCount]
) -> list[RuleStatus]:
    """Look at every rule; `endpoints` are those that exchanges were recorded of."""
    return [
        RuleStatus(
            compute_rule_id(rule),
            rule,
            rule.is_in_force(now),
            _excused(rule, excuses),
            tuple(_notes(rule, now, endpoints)),
        )
        for rule in rules.all()
    ]


def describe_rules(name: str, rules: list[RuleStatus]) -> str:
    """Say in a line how many rules there are, and how many excuse nothing any more."""
    if not rules:
        return f"{name} has no rules: every difference counts but for what is excused by itself."
    expired = sum(not each.holds for each in rules)
    also = f"; {expired:,} {'has' if expired == 1 else 'have'} expired and excuse{'s' * (expired == 1)} nothing"
    return f"{name} has {format_plural(len(rules), 'rule')}{also if expired else ''}."


def print_rules(told: list[RuleStatus]) -> None:
    """Print rules, one below the other."""
    for each in told:
        print_line(f"{each.id}  {describe_rule(each.rule)}", style=STRONG if each.holds else QUIET)
        for line in _about(each):
            for part in wrap_text(line, "        ", "  "):
                print_line(part)
        for note in each.notes:
            for part in wrap_text(f"Note: {note}.", "        ", "  "):
                print_line(part, style=WARN)


def describe_rule(rule: Rule) -> str:
    """Say what a rule does: `ignore $.total_cents, pattern [0-9]+`."""
    told = rule.dump_settings()
    path = told.pop("path", "")
    parts = [f"{name} {_value(value)}" for name, value in told.items()]
    return make_printable(", ".join([f"{rule.kind} {path}".strip(), *parts]), 300)


def rule_to_json(told: RuleStatus) -> dict[str, Any]:
    """Describe a rule for programs."""
    return {
        "id": told.id,
        "kind": told.rule.kind,
        **told.rule.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "holds": told.holds,
        "excused": told.excused,
        "notes": list(told.notes),
    }


def _about(each: RuleStatus) -> list[str]:
    rule = each.rule
    where = f"at {', '.join(rule.endpoints)}" if rule.endpoints else "at every endpoint"
    where = f"not at {', '.join(rule.excepted)}" if rule.excepted else where
    until = f"until {rule.expires}" if rule.expires else ""
    done = f"excused {format_count(each.excused)} so far" if each.excused else ""
    why = ": ".join(part for part in (rule.author, rule.reason) if part) or "nobody said why"
    return [make_printable(why, 500), *[make_printable("; ".join(part for part in (where, until, done) if part), 500)]]


def _notes(rule: Rule, now: datetime, endpoints: Collection[str]) -> list[str]:
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


def _excused(rule: Rule, excuses: Sequence[ExcuseCount]) -> int | None:
    """Sum up what was excused for the rule's reason where it holds; another rule may share in it."""
    path = str(getattr(rule, "path", ""))
    place = parse_rule_path(path) if path and rule.kind != "mask" else None
    if rule.kind in ("only", "mask", "strict_numbers"):
        return None
    reason = (
        "ignored_pattern" if rule.dump_settings().get("pattern") else {"ignore": "ignored"}.get(rule.kind, rule.kind)
    )
    never = {f"header:{name}" for name in getattr(rule, "never", ())}
    sum_ = 0
    for excuse in excuses:
        if excuse.reason != reason or not _holds_at(rule, excuse.endpoint):
            continue
        if place is not None and place.steps is not None:
            covered = _covers(place.steps, excuse.path)
        elif place is not None and place.header:
            covered = excuse.path == f"header:{place.header}" or (place.header == "*" and "header:" in excuse.path)
        else:
            covered = excuse.path in never or excuse.path == "status"
        sum_ += excuse.count if covered else 0
    return sum_


def _holds_at(rule: Rule, endpoint: str) -> bool:
    return endpoint in rule.endpoints if rule.endpoints else endpoint not in rule.excepted


def _covers(steps: tuple[PathStep, ...], group: str) -> bool:
    """Say whether a path covers an index-free path; `[*]` there may be any index or key."""
    try:
        there = parse_rule_path(group).steps
    except BadPath:  # it was cut
        return False
    if there is None:
        return False
    positions = {0}
    for token in there:
        if len(steps) in positions:
            return True
        following: set[int] = set()
        for at in positions:
            if steps[at].token is None or token.token is None or steps[at].token == token.token:
                following.add(at + 1)
            if steps[at].deep:
                following.add(at)
        positions = following
    return len(steps) in positions


def _value(value: object) -> str:
    if value is True:
        return "yes"
    return ", ".join(cast(list[str], value)) if isinstance(value, list) else str(value)
