"""`rules remove`: one rule less."""

from __future__ import annotations

import click
from darklaunch_comparator.rules import (
    RuleSet,
)

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.launches.rules import remove_rule
from darklaunch_console.output.screen import json_option
from darklaunch_console.reports.rule_status import find_rule
from darklaunch_console.settings import ConsoleSettings

from .changing import change_rules


@click.command(short_help="Remove a rule, by its id or its path.")
@click.argument("name", callback=check_launch_name)
@click.argument("rule", metavar="RULE")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the event.")
@json_option
@click.pass_obj
def remove(settings: ConsoleSettings, name: str, rule: str, reason: str, in_json: bool) -> None:
    """Remove a rule, named by its id as `darklaunch rules show` lists it, or by its path when no other has that."""

    def change(old: RuleSet) -> RuleSet:
        return remove_rule(old, find_rule(old, rule, name))

    change_rules(settings, name, change, reason=reason, in_json=in_json)
