"""`rules apply`: the rules of a file."""

from __future__ import annotations

from typing import TextIO

import click
from darklaunch_comparator.rules import (
    RuleSet,
)

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.launches.rules import parse_rules
from darklaunch_console.output.screen import json_option
from darklaunch_console.settings import ConsoleSettings

from .changing import change_rules


@click.command("apply", short_help="Make the rules of a file those of a launch.")
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

    change_rules(settings, name, change, reason=reason, in_json=in_json, replace_all=True)
