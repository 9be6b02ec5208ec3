"""`rejudge`: estimate what other rules would make of the recorded mismatches, before they are applied."""

from __future__ import annotations

from dataclasses import replace
from typing import TextIO

import click
from darklaunch_comparator.pipeline.assess import compile_launch_rules
from darklaunch_comparator.pipeline.rejudge import rejudge_samples
from darklaunch_comparator.rules import dump_rules, load_rules
from darklaunch_comparator.store.noise import read_known_noise

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import BadUsage
from darklaunch_console.launches.change import find_launch
from darklaunch_console.launches.rules import diff_rules, parse_rules, record_rules
from darklaunch_console.output.screen import GOOD, json_option, make_printable, print_json, print_line, print_styled
from darklaunch_console.reports.rejudge_text import estimate_to_json, read_stored_samples, render_estimate
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import open_postgres, open_redis


@click.command(short_help="See what other rules would make of what was found.")
@click.argument("name", callback=check_launch_name)
@click.option("-f", "--file", "document", type=click.File(), metavar="FILE", help="These rules, not the launch's own.")
@click.option("--apply", "applied", is_flag=True, help="Then make them the launch's rules.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the event of --apply.")
@json_option
@click.pass_obj
def rejudge(
    settings: ConsoleSettings, name: str, document: TextIO | None, applied: bool, reason: str, in_json: bool
) -> None:
    """Compare the stored samples again, under the rules of a file or the launch's own as they are now, and show what
    would change: for each kind of mismatch, and in all. What was recorded is never rewritten.

    \b
      darklaunch rejudge checkout-v2 -f rules.toml
      darklaunch rejudge checkout-v2 -f rules.toml --apply --reason reviewed
    """
    if applied and not document:
        raise BadUsage("--apply needs rules to apply: -f FILE")
    if applied and not reason.strip():
        raise BadUsage("--apply needs a --reason: it is kept with the event")
    with open_postgres(settings) as connection:
        spec = read_launch_record(connection, name).state.spec
        old = load_rules(spec.rules)
        new = parse_rules(document.read(), document.name, old) if document else old
        noise = read_known_noise(connection, name).get(name, {})
        kinds = rejudge_samples(
            read_stored_samples(connection, name),
            compile_launch_rules(replace(spec, compare=True, rules=dump_rules(new))),
            noise,
        )
    added, removed = diff_rules(old, new)
    estimate = estimate_to_json(name, kinds, len(added), len(removed))
    if not in_json:
        print_styled(render_estimate(name, kinds))
    if applied and (added or removed):
        with open_redis(settings) as redis, open_postgres(settings) as connection:
            before = find_launch(redis, connection, name)
            if load_rules(before.state.spec.rules) != old:
                raise BadUsage(f"the rules of {name} were changed meanwhile: look again")
            data: dict[str, object] = {"rejudged": estimate["would_be"]}
            estimate["revision"] = record_rules(redis, connection, before, new, reason, data).state.revision
    if in_json:
        print_json({**estimate, "applied": applied and bool(added or removed)})
    elif applied:
        _print_applied(name, len(added), len(removed))
    elif document:
        file = make_printable(document.name)
        print_line("Nothing is applied yet.")
        print_line(f"  Next: darklaunch rejudge {name} -f {file} --apply --reason TEXT")


def _print_applied(name: str, added: int, removed: int) -> None:
    if added or removed:
        print_line(f"Applied: {added} added, {removed} removed. Recorded results stay as they are.", style=GOOD)
        print_line("The verdict's evidence starts over under the new rules.")
    else:
        print_line(f"{name} has these rules already.")
