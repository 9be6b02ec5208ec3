"""Changing a launch's rules: edit, record, publish, print."""

from __future__ import annotations

from collections.abc import Callable

from darklaunch_comparator.rules import (
    MASKS_UNREADABLE,
    RuleSet,
    compute_rule_id,
    has_unreadable_masks,
    load_rules,
)

from darklaunch_console.errors import ConsoleError
from darklaunch_console.launches.change import find_launch
from darklaunch_console.launches.launch_json import change_to_json
from darklaunch_console.launches.printing import ChangePrinter
from darklaunch_console.launches.rules import diff_rules, record_rules
from darklaunch_console.output.screen import GOOD, print_json, print_line, print_lines, print_styled, wrap_text
from darklaunch_console.output.text import format_plural
from darklaunch_console.reports.rule_status import WRITE_ALL, read_rule_statuses
from darklaunch_console.reports.rule_text import (
    describe_rule,
    render_rules,
)
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis


def change_rules(
    settings: ConsoleSettings,
    name: str,
    edit: Callable[[RuleSet], RuleSet],
    *,
    reason: str,
    in_json: bool,
    replace_all: bool = False,
) -> None:
    """Edit a launch's rules, record and publish them, and print what changed.

    Raises ConsoleError when masks could not be read and only one rule is to be changed: that would drop them.
    """
    printer = ChangePrinter(in_json)
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        masks_unreadable = has_unreadable_masks(before.state.spec.rules)
        if masks_unreadable and not replace_all:
            raise ConsoleError(
                f"{name}: {MASKS_UNREADABLE}. To change one rule would drop it: {WRITE_ALL.format(name=name)}"
            )
        old = load_rules(before.state.spec.rules)
        new = edit(old)
        added, removed = diff_rules(old, new)
        if not (added or removed or masks_unreadable):
            printer.print_unchanged(before, f"{name} has these rules already.")
            return
        record = record_rules(redis, connection, before, new, reason)
        statuses = [status for status in read_rule_statuses(connection, name, new) if status.rule in added]
    if in_json:
        ids = {
            "added": [compute_rule_id(rule) for rule in added],
            "removed": [compute_rule_id(rule) for rule in removed],
        }
        print_json(change_to_json(record.state, changed=True, **ids, rules=len(new.all())))
        return
    parts = [f"{len(added)} added"] * bool(added) + [f"{len(removed)} removed"] * bool(removed)
    print_line(f"{name} has {format_plural(len(new.all()), 'rule')} now: {', '.join(parts)}.", style=GOOD)
    print_styled(render_rules(statuses))
    for rule in removed:
        print_lines(wrap_text(f"{compute_rule_id(rule)}  removed: {describe_rule(rule)}", "", "        "))
    print_line("  Comparators follow within a second; recorded results stay as they are.")
    print_line(f"  Next: darklaunch rejudge {name}")
