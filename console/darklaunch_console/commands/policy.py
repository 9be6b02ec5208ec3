"""`policy`: the limits a launch is judged by, and what may happen automatically."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TextIO

import click
from darklaunch_comparator.judging.policy_file import dump_policy, dump_policy_json
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import LaunchAct

from darklaunch_console.cli.arguments import launch_argument, reason_option
from darklaunch_console.errors import BadUsage
from darklaunch_console.launches.change import change_launch, current_actor, find_launch
from darklaunch_console.launches.description import JUDGE_MODE_WORDS
from darklaunch_console.launches.policy import build_policy, describe_clearing, describe_policy, parse_policy
from darklaunch_console.launches.printing import ChangePrinter
from darklaunch_console.output.screen import GOOD, json_option, print_json, print_line
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import open_postgres, open_redis


@click.group(invoke_without_command=True)
@click.pass_context
def policy(ctx: click.Context) -> None:
    """The limits a launch is judged by (error budgets, rates, ramp steps) and what may happen automatically."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@policy.command(short_help="Show the policy of a launch.")
@launch_argument
@json_option
@click.pass_obj
def show(settings: ConsoleSettings, name: str, in_json: bool) -> None:
    """Show the policy of a launch."""
    with open_postgres(settings) as connection:
        rules = parse_policy(read_launch_record(connection, name).state.spec.policy)
        per_s = report_queries.read_recent_rate(connection, name)
    if in_json:
        document = {"policy": dump_policy(rules), "clears_after": rules.clean_exchanges, "per_s": per_s}
        print_json({"launch": name, **document})
        return
    print_line(f"The judge of {name} {JUDGE_MODE_WORDS[rules.mode]}.")
    for line in describe_policy(rules, per_s):
        print_line(f"  {line}")


@policy.command("set", short_help="Change the policy of a launch.", epilog="All settings: docs/VERDICT.md.")
@launch_argument
@click.argument("changes", nargs=-1, metavar="[SETTING=VALUE]...")
@click.option("--file", type=click.File(), metavar="FILE", help="A whole policy, TOML or JSON; - is stdin.")
@reason_option
@json_option
@click.pass_obj
def set_(
    settings: ConsoleSettings, name: str, changes: tuple[str, ...], file: TextIO | None, reason: str, in_json: bool
) -> None:
    """Change the policy of a launch, setting by setting or with a file. What a file leaves out has its default.

    A change of budgets starts the evidence over.

    \b
      darklaunch policy set checkout-v2 mode=auto soak_s=60
      darklaunch policy set checkout-v2 budgets.mismatch=0.002
      darklaunch policy set checkout-v2 waive_latency.reason="a smaller machine"
      darklaunch policy set checkout-v2 --file checkout.toml
    """
    if not changes and not file:
        raise BadUsage("nothing to set: write SETTING=VALUE, or --file FILE")
    printer = ChangePrinter(in_json)
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        old = parse_policy(before.state.spec.policy)
        new = build_policy(file, changes, old)
        if new == old:
            printer.print_unchanged(before, f"{name} is judged by that already.")
            return
        spec = replace(before.state.spec, policy=dump_policy_json(new))
        waiver = new.waive_latency
        data = {"waive_latency": asdict(waiver)} if waiver and waiver != old.waive_latency else None
        act = LaunchAct(current_actor(), "policy_set", reason or (waiver.reason if waiver and data else ""), data=data)
        state = change_launch(redis, connection, before, act, spec=spec).state
        per_s = report_queries.read_recent_rate(connection, name)
    printer.print_changed(state, f"The judge of {name} {JUDGE_MODE_WORDS[new.mode]}.", GOOD)
    printer.print_next(f"darklaunch policy show {name}", describe_clearing(new, per_s))
