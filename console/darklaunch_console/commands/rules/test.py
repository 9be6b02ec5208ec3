"""`rules test`: what rules would excuse, and nothing is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Final, TextIO

import click
from darklaunch_comparator.rules import RuleSet, load_rules

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import BadUsage
from darklaunch_console.launches.rules import add_rules, parse_rules
from darklaunch_console.output.screen import json_option, make_printable, print_json, print_styled
from darklaunch_console.reports.rule_trial import (
    compare_files,
    compare_sample,
    comparison_to_json,
    find_latest_mismatch,
    parse_rule_option,
    render_trial,
)
from darklaunch_console.reports.sample import find_sample
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import open_postgres

_BODY: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("test", short_help="Show what rules would excuse.")
@click.argument("name", callback=check_launch_name)
@click.argument("exchange", required=False, metavar="[ID]")
@click.option(
    "-f", "--file", "document", type=click.File(), metavar="FILE", help="These rules, instead of the launch's."
)
@click.option(
    "--add", "more", multiple=True, metavar="RULE", help="This rule, too: 'ignore $.total', 'unordered $.x by=id'."
)
@click.option(
    "--primary",
    "primary_body",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A body.",
)
@click.option(
    "--shadow",
    "shadow_body",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Another.",
)
@click.option("--type", "content_type", default="application/json", show_default=True, help="Of both files.")
@click.option("--endpoint", default="", metavar="ENDPOINT", help="Whose rules hold for the files: 'GET /orders/{id}'.")
@json_option
@click.pass_obj
def test(
    settings: ConsoleSettings,
    name: str,
    exchange: str | None,
    document: TextIO | None,
    more: tuple[str, ...],
    primary_body: Path | None,
    shadow_body: Path | None,
    content_type: str,
    endpoint: str,
    in_json: bool,
) -> None:
    """Show what rules would excuse, and change nothing. Tested on the exchange ID, else on the latest of the most
    frequent kind of mismatch, or on two bodies in files. Exit code 1 when something would still differ.

    \b
      darklaunch rules test checkout-v2 --add 'ignore $.total_cents'
      darklaunch rules test checkout-v2 7f3a90bc:118 -f rules.toml
      darklaunch rules test checkout-v2 --primary old.json --shadow new.json
    """
    if (primary_body is None) != (shadow_body is None):
        raise BadUsage("--primary and --shadow go together: two bodies to compare")
    if primary_body and exchange:
        raise BadUsage("give an exchange or two files, not both")
    with open_postgres(settings) as connection:
        spec = read_launch_record(connection, name).state.spec
        own_rules = load_rules(spec.rules)
        rules = parse_rules(document.read(), document.name, own_rules) if document else own_rules
        rules = add_rules(rules, *[parse_rule_option(text) for text in more])
        if primary_body and shadow_body:
            what = f"{primary_body.name} and {shadow_body.name}"
            before = compare_files(primary_body, shadow_body, content_type, endpoint, RuleSet())
            after = compare_files(primary_body, shadow_body, content_type, endpoint, rules)
        else:
            sample = find_sample(connection, exchange or find_latest_mismatch(connection, name), name)
            what = (
                f"{sample.replay.exchange.request.method} {make_printable(sample.replay.exchange.request.target, 100)}"
            )
            before, after = (compare_sample(connection, sample, spec, tried) for tried in (RuleSet(), rules))
    if in_json:
        print_json(
            {"tested": what, "without_rules": comparison_to_json(before), "with_rules": comparison_to_json(after)}
        )
    else:
        print_styled(render_trial(what, before, after))
    raise click.exceptions.Exit(1 if after.differences else 0)
