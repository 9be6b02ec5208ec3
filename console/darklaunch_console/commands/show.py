"""`show`: everything that was decided about a launch."""

from __future__ import annotations

from dataclasses import asdict
from typing import cast

import click
from darklaunch_comparator.errors import BadPolicy
from darklaunch_comparator.judging.policy_file import read_policy
from darklaunch_comparator.rules import load_rules
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import list_events
from darklaunch_shared.launch.spec import LaunchSpec

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.launches.description import JUDGE_MODE_WORDS, describe_mirroring, describe_status
from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.screen import QUIET, json_option, make_printable, print_json, print_line
from darklaunch_console.reports.evidence import read_launch_record
from darklaunch_console.reports.sentences import format_second
from darklaunch_console.reports.summary import count_compared, summary
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres

from .history import done


@click.command(short_help="Show what was decided about a launch, and its history.")
@click.argument("name", callback=check_launch_name)
@json_option
@click.pass_obj
def show(settings: ConsoleSettings, name: str, in_json: bool) -> None:
    """Show a launch: what it mirrors where, every setting that is not the default, and its latest events."""
    with open_postgres(settings) as connection:
        record = read_launch_record(connection, name)
        events = list_events(connection, name)
        ledger = report_queries.read_launch_ledger(connection, name)
    if in_json:
        history = [asdict(event) for event in events]
        print_json({**summary(record), "spec": asdict(record.state.spec), "ledger": asdict(ledger), "events": history})
        return
    state = record.state
    doing = describe_mirroring(state) if state.fraction else f"nothing is mirrored to {state.spec.shadow}"
    print_line(f"{name} is {describe_status(state)}: {doing}.")
    for setting, value in _decided(state.spec):
        print_line(f"  {setting}: {value}")
    print_line(f"  policy: the judge {_judging(state.spec)}, see darklaunch policy show {name}")
    if rules := load_rules(state.spec.rules).all():
        print_line(f"  rules: {format_count(len(rules))}, see darklaunch rules show {name}")
    print_line(
        f"  sampled {format_count(ledger.sampled)}, compared {format_count(count_compared(ledger))}, "
        f"mismatched {format_count(ledger.mismatched)}"
    )
    print_line()
    print_line("History, latest first")
    for event in events:
        why = f": {make_printable(event.reason)}" if event.reason else ""
        print_line(f"  {format_second(event.at)}  {done(event)} by {make_printable(event.actor, 60)}{why}")
    print_line(f"Evidence: darklaunch report {name}", style=QUIET)


def _judging(spec: LaunchSpec) -> str:
    try:
        return JUDGE_MODE_WORDS[read_policy(spec.policy).mode]
    except BadPolicy as broken:
        return f"judges nothing: {broken}"


def _decided(spec: LaunchSpec) -> list[tuple[str, str]]:
    plain = asdict(LaunchSpec(spec.shadow))
    return [
        (name.replace("_", " "), ", ".join(cast(tuple[str, ...], value)) if isinstance(value, tuple) else str(value))
        for name, value in cast(dict[str, object], asdict(spec)).items()
        if value != plain[name] and name not in ("rules", "policy")
    ]
