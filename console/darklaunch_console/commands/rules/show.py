"""`rules show`: a launch's rules, and what each has excused."""

from __future__ import annotations

import click
from darklaunch_comparator.rules import (
    MASKS_UNREADABLE,
    has_unreadable_masks,
    load_rules,
    write_rules_toml,
)

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import BadUsage
from darklaunch_console.output.screen import json_option, print_json, print_line, print_styled, print_warning
from darklaunch_console.reports.rule_status import WRITE_ALL, read_rule_statuses
from darklaunch_console.reports.rule_text import (
    describe_rules,
    render_rules,
    rule_to_json,
)
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import open_postgres


@click.command(short_help="Show the rules of a launch.")
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
        rules = load_rules(stored)
        statuses = read_rule_statuses(connection, name, rules)
    if has_unreadable_masks(stored):
        print_warning(f"{MASKS_UNREADABLE}. {WRITE_ALL.format(name=name)}")
    if as_toml:
        click.echo(write_rules_toml(rules), nl=False)
    elif in_json:
        print_json({"launch": name, "rules": [rule_to_json(status) for status in statuses]})
    else:
        print_line(describe_rules(name, statuses))
        print_styled(render_rules(statuses))
