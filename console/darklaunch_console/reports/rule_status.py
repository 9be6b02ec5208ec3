"""A launch's rules in the light of what was recorded: found by name, each with what it has excused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from darklaunch_comparator.rules import (
    Rule,
    RuleSet,
    compute_rule_id,
)
from darklaunch_comparator.store import report_queries

from darklaunch_console.errors import ConsoleError
from darklaunch_console.output.screen import make_printable
from darklaunch_console.output.text import format_plural
from darklaunch_console.reports.rule_text import (
    RuleStatus,
    assess_rules,
    describe_rule,
)
from darklaunch_console.stores.postgres import Connection

WRITE_ALL: Final = "Write all rules anew: darklaunch rules apply {name} -f FILE"


def read_rule_statuses(connection: Connection, name: str, rules: RuleSet) -> list[RuleStatus]:
    """Return each rule of a launch with what it has excused so far and what is worth a note."""
    endpoints = {counts.endpoint for counts in report_queries.read_endpoint_counts(connection, name)}
    return assess_rules(rules, datetime.now(UTC), endpoints, report_queries.read_excuses(connection, name, 5_000))


def find_rule(rules: RuleSet, name: str, launch: str) -> Rule:
    """Return the rule with this id or path. Raises ConsoleError unless exactly one has it."""
    matches = [rule for rule in rules.all() if compute_rule_id(rule) == name or getattr(rule, "path", None) == name]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise ConsoleError(f"{launch} has no rule {make_printable(name, 80)!r}. See darklaunch rules show {launch}")
    listed = ", ".join(f"{compute_rule_id(rule)} ({describe_rule(rule)})" for rule in matches[:5])
    raise ConsoleError(
        f"{format_plural(len(matches), 'rule')} of {launch} are about {make_printable(name, 80)}: {listed}. Name one"
    )
