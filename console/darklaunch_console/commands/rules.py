"""`rules`: which differences of a launch are excused, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TextIO

import click
from darklaunch_comparator.rules import (
    MASKS_UNREADABLE,
    Rule,
    RuleSet,
    compute_rule_id,
    has_unreadable_masks,
    load_rules,
    write_rules_toml,
)
from darklaunch_comparator.rules.model import RULE_KINDS
from darklaunch_comparator.store import report_queries

from darklaunch_console.cli.arguments import check_launch_name, parse_duration
from darklaunch_console.errors import BadUsage, ConsoleError
from darklaunch_console.launches.change import current_actor, find_launch, launch_as_json
from darklaunch_console.launches.printing import ChangePrinter
from darklaunch_console.launches.rules import add_rules, diff_rules, parse_rules, record_rules, remove_rule
from darklaunch_console.output.screen import GOOD, json_option, make_printable, print_json, print_line, print_warning
from darklaunch_console.output.text import format_plural
from darklaunch_console.reports import rule_text
from darklaunch_console.reports.evidence import read_launch_record
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import Connection, open_postgres, open_redis

from .rules_test import test

WRITE_ALL = "Write all rules anew: darklaunch rules apply {name} -f FILE"


@click.group(invoke_without_command=True, short_help="Show or change which differences are excused.")
@click.pass_context
def rules(ctx: click.Context) -> None:
    """Which differences are excused, where, why, by whom and until when. Each kind: docs/COMPARING.md."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


rules.add_command(test)


@rules.command(short_help="Show the rules of a launch.")
@click.argument("name", callback=check_launch_name)
@click.option("--toml", "as_toml", is_flag=True, help="Print the file that `rules apply` takes.")
@json_option
@click.pass_obj
def show(settings: ConsoleSettings, name: str, as_toml: bool, in_json: bool) -> None:
    """Show the rules of a launch, and what each has excused so far."""
    if as_toml and in_json:
        raise BadUsage("--toml and --json are two forms of the same rules: choose one")
    with open_postgres(settings) as connection:
        stored = read_launch_record(connection, name).state.spec.rules
        held = load_rules(stored)
        told = look(connection, name, held)
    if has_unreadable_masks(stored):
        print_warning(f"{MASKS_UNREADABLE}. {WRITE_ALL.format(name=name)}")
    if as_toml:
        click.echo(write_rules_toml(held), nl=False)
    elif in_json:
        print_json({"launch": name, "rules": [rule_text.rule_to_json(each) for each in told]})
    else:
        print_line(rule_text.describe_rules(name, told))
        rule_text.print_rules(told)


@rules.command(short_help="Add a rule.")
@click.argument("name", callback=check_launch_name)
@click.argument("kind", type=click.Choice(list(RULE_KINDS)), metavar="KIND")
@click.argument("path", required=False)
@click.option("--pattern", metavar="REGEX", help="ignore: only values of the shadow that fit it whole.")
@click.option("--by", metavar="MEMBER", help="unordered: the member that tells elements apart.")
@click.option("--absolute", type=float, metavar="N", help="tolerance: so far apart at most.")
@click.option("--relative", type=float, metavar="SHARE", help="tolerance: this share of the greater number.")
@click.option("--allow-extra", is_flag=True, help="structure_only: the shadow may have further keys.")
@click.option("--compare", multiple=True, metavar="HEADER", help="headers: compare this one, too.")
@click.option("--never", multiple=True, metavar="HEADER", help="headers: never compare this one.")
@click.option("--endpoint", "endpoints", multiple=True, metavar="ENDPOINT", help="Only there: 'GET /orders/{id}'.")
@click.option("--except", "excepted", multiple=True, metavar="ENDPOINT", help="Everywhere but there.")
@click.option("--expires", metavar="WHEN", help="The last day, 2026-12-31, or a time from now, 30d.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept with the rule and the event.")
@json_option
@click.pass_obj
def add(settings: ConsoleSettings, /, name: str, kind: str, reason: str, in_json: bool, **options: Any) -> None:
    """Add a rule. KIND is ignore, only, unordered, tolerance, structure_only, null_is_absent, strict_numbers, headers,
    status_classes or mask.

    \b
      darklaunch rules add shop-v2 ignore '$.total_cents' --reason "now total"
      darklaunch rules add shop-v2 unordered '$.items' --by sku --reason "a set"
      darklaunch rules add shop-v2 headers --compare x-count --reason "is read"
    """
    if not reason.strip():
        raise BadUsage("--reason is empty: say why, for whoever reads the rule in a month")
    new: dict[str, object] = {"kind": kind, "reason": reason, "author": current_actor()}
    names = {"excepted": "except"}
    new |= {names.get(option, option): value for option, value in options.items() if value not in (None, (), False)}
    if "expires" in new:
        new["expires"] = last_day(str(new["expires"]))

    def change(old: RuleSet) -> RuleSet:
        return add_rules(old, new)

    _change(settings, name, change, reason, in_json)


@rules.command(short_help="Remove a rule, by its id or its path.")
@click.argument("name", callback=check_launch_name)
@click.argument("rule", metavar="RULE")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the event.")
@json_option
@click.pass_obj
def remove(settings: ConsoleSettings, name: str, rule: str, reason: str, in_json: bool) -> None:
    """Remove a rule, named by its id as `darklaunch rules show` lists it, or by its path when no other has that."""

    def change(old: RuleSet) -> RuleSet:
        return remove_rule(old, chosen(old, rule, name))

    _change(settings, name, change, reason, in_json)


@rules.command("apply", short_help="Make the rules of a file those of a launch.")
@click.argument("name", callback=check_launch_name)
@click.option(
    "-f", "--file", "document", type=click.File(), required=True, metavar="FILE", help="TOML or JSON; - is stdin."
)
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the event.")
@json_option
@click.pass_obj
def apply(settings: ConsoleSettings, name: str, document: TextIO, reason: str, in_json: bool) -> None:
    """Make the rules of a file the rules of a launch, all of them: what is not in the file goes.

    To see first what that would change: darklaunch rejudge NAME -f FILE.
    """

    def change(old: RuleSet) -> RuleSet:
        return parse_rules(document.read(), document.name, old)

    _change(settings, name, change, reason, in_json, all_of_them=True)


def look(connection: Connection, name: str, held: RuleSet) -> list[rule_text.RuleStatus]:
    """Look at each rule of a launch in the light of what was recorded."""
    endpoints = {counted.endpoint for counted in report_queries.read_endpoint_counts(connection, name)}
    return rule_text.assess_rules(
        held, datetime.now(UTC), endpoints, report_queries.read_excuses(connection, name, 5_000)
    )


def last_day(text: str) -> date | datetime:
    """Read `2026-12-31`, a time with its zone, or a time from now such as `30d`. Raises BadUsage."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=parse_duration(text))
    except (ValueError, OverflowError):
        raise BadUsage(f"--expires {text!r} is no time: write 2026-12-31, or 30d for a time from now") from None


def chosen(held: RuleSet, named: str, launch: str) -> Rule:
    """Find a rule by its id or its path. Raises ConsoleError when none is so named, or several are."""
    found = [rule for rule in held.all() if compute_rule_id(rule) == named or getattr(rule, "path", None) == named]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConsoleError(f"{launch} has no rule {make_printable(named, 80)!r}. See darklaunch rules show {launch}")
    several = ", ".join(f"{compute_rule_id(rule)} ({rule_text.describe_rule(rule)})" for rule in found[:5])
    raise ConsoleError(
        f"{format_plural(len(found), 'rule')} of {launch} are about {make_printable(named, 80)}: {several}. Name one"
    )


def _change(
    settings: ConsoleSettings,
    name: str,
    changed: Callable[[RuleSet], RuleSet],
    reason: str,
    in_json: bool,
    *,
    all_of_them: bool = False,
) -> None:
    told = ChangePrinter(in_json)
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        unmasked = has_unreadable_masks(before.state.spec.rules)
        if unmasked and not all_of_them:
            raise ConsoleError(
                f"{name}: {MASKS_UNREADABLE}. To change one rule would drop it: {WRITE_ALL.format(name=name)}"
            )
        old = load_rules(before.state.spec.rules)
        new = changed(old)
        added, removed = diff_rules(old, new)
        if not (added or removed or unmasked):
            told.print_unchanged(before, f"{name} has these rules already.")
            return
        record = record_rules(redis, connection, before, new, reason)
        notes = [each for each in look(connection, name, new) if each.rule in added]
    if in_json:
        ids = {
            "added": [compute_rule_id(rule) for rule in added],
            "removed": [compute_rule_id(rule) for rule in removed],
        }
        print_json(launch_as_json(record.state, changed=True, **ids, rules=len(new.all())))
        return
    parts = [f"{len(added)} added"] * bool(added) + [f"{len(removed)} removed"] * bool(removed)
    print_line(f"{name} has {format_plural(len(new.all()), 'rule')} now: {', '.join(parts)}.", style=GOOD)
    rule_text.print_rules(notes)
    for rule in removed:
        print_line(f"{compute_rule_id(rule)}  removed: {rule_text.describe_rule(rule)}")
    print_line("  Comparators follow within a second; what was recorded stays as it is.")
    print_line(f"  Next: darklaunch rejudge {name}")
