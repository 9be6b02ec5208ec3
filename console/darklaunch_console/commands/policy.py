"""`policy`: by what a launch is judged, and what may be done about it without asking."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TextIO, cast

import click
from darklaunch_comparator.errors import BadPolicy
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_comparator.judging.policy_file import as_document, check_policy, read_document, write_policy
from darklaunch_comparator.settings import read_settings as comparator_settings
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import LaunchAct

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import BadUsage
from darklaunch_console.launches.change import change_launch, current_actor, find_launch
from darklaunch_console.launches.description import JUDGE_MODE_WORDS
from darklaunch_console.output.numbers import format_count, format_decimal, format_percent, format_seconds, format_share
from darklaunch_console.output.screen import GOOD, json_option, make_printable, print_json, print_line
from darklaunch_console.reports.evidence import read_launch_record
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis

from .change import CommandAnswer


@click.group(invoke_without_command=True, short_help="Show or change what a launch is judged by.")
@click.pass_context
def policy(ctx: click.Context) -> None:
    """By what a launch is judged: error budgets, error rates, the steps of the ramp, and what may be done unasked."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@policy.command(short_help="Show the policy of a launch.")
@click.argument("name", callback=check_launch_name)
@json_option
@click.pass_obj
def show(settings: ConsoleSettings, name: str, in_json: bool) -> None:
    """Show the policy of a launch."""
    with open_postgres(settings) as connection:
        record = read_launch_record(connection, name)
        found = carried(record.state.spec.policy)
        rate = report_queries.read_recent_rate(connection, name)
    if in_json:
        print_json({"launch": name, "policy": as_document(found), "clears_after": found.clean_exchanges, "per_s": rate})
        return
    print_line(f"The judge of {name} {JUDGE_MODE_WORDS[found.mode]}.")
    for line in described(found, rate):
        print_line(f"  {line}")


@policy.command(
    "set", short_help="Change the policy of a launch.", epilog="Settings and their defaults: docs/VERDICT.md."
)
@click.argument("name", callback=check_launch_name)
@click.argument("changes", nargs=-1, metavar="[SETTING=VALUE]...")
@click.option("--file", "document", type=click.File(), metavar="FILE", help="A whole policy, TOML or JSON; - is stdin.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the event.")
@json_option
@click.pass_obj
def set_(
    settings: ConsoleSettings, name: str, changes: tuple[str, ...], document: TextIO | None, reason: str, in_json: bool
) -> None:
    """Change the policy of a launch, setting by setting or with a file. What a file leaves out has its default.

    A change of budgets begins the evidence anew.

    \b
      darklaunch policy set checkout-v2 mode=auto soak_s=60
      darklaunch policy set checkout-v2 budgets.mismatch=0.002
      darklaunch policy set checkout-v2 --file checkout.toml
    """
    if not changes and not document:
        raise BadUsage("nothing to set: write SETTING=VALUE, or --file FILE")
    told = CommandAnswer(name, in_json)
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        old = carried(before.state.spec.policy)
        new = chosen(document, changes, old)
        if new == old:
            told.unchanged(before, f"{name} is judged by that already.")
            return
        spec = replace(before.state.spec, policy=write_policy(new))
        record = change_launch(redis, connection, before, LaunchAct(current_actor(), "policy_set", reason), spec=spec)
        rate = report_queries.read_recent_rate(connection, name)
    told.changed(record.state, f"The judge of {name} {JUDGE_MODE_WORDS[new.mode]}.", GOOD)
    told.also(forecast(new, rate), f"darklaunch policy show {name}")


def merged(base: Mapping[str, Any], changes: tuple[str, ...]) -> dict[str, Any]:
    """Give a policy document with changes of the form `budgets.mismatch=0.002` made. Raises BadUsage."""
    whole = dict(base)
    for text in changes:
        path, equals, value = text.partition("=")
        if not equals or not path.strip():
            raise BadUsage(f"{text!r} sets nothing: write SETTING=VALUE, like soak_s=60")
        *outer, last = path.strip().split(".")
        target = whole
        for part in outer:
            target[part] = (
                dict(cast(Mapping[str, Any], inner)) if isinstance(inner := target.get(part), Mapping) else {}
            )
            target = target[part]
        target[last] = _value(value)
    return whole


def carried(text: str) -> JudgePolicy:
    """Read the policy that a launch carries. Raises BadUsage when it is damaged."""
    try:
        return check_policy(read_document(text))
    except BadPolicy as broken:
        raise BadUsage(f"{broken}. Set another with `darklaunch policy set NAME --file FILE`") from None


def chosen(document: TextIO | None, changes: tuple[str, ...], old: JudgePolicy) -> JudgePolicy:
    """Give the policy of a file, or else the old one, with changes made to it. Raises BadUsage."""
    kept_s = comparator_settings(os.environ).retention_days * 86_400.0
    try:
        base = read_document(document.read()) if document else as_document(old)
        return check_policy(merged(base, changes), retention_s=kept_s)
    except BadPolicy as broken:
        raise BadUsage(f"{document.name}: {broken}" if document else str(broken)) from None


def forecast(policy: JudgePolicy, rate: float) -> str:
    """Say how long it takes to show that the budgets are kept, at the present rate if there is one."""
    needed = policy.clean_exchanges
    takes = f"Clearing {format_share(policy.tightest, 4)} takes {format_count(needed)} exchanges without a failure"
    return f"{takes}, {format_seconds(needed / rate)} at {format_decimal(rate)} a second." if rate else f"{takes}."


def described(policy: JudgePolicy, rate: float = 0.0) -> list[str]:
    """Describe a policy, line by line."""
    budgets, weights = policy.budgets, policy.weights
    lines = [
        f"rolls back at evidence of {format_decimal(1 / policy.alpha)} : 1 (alpha {policy.alpha:g}) for more than",
        f"  {format_share(budgets.mismatch, 4)} mismatches (weight {weights.mismatch:g}), "
        f"{format_share(budgets.error, 4)} without an answer ({weights.error:g}),",
        f"  {format_share(budgets.slow, 4)} slow ({weights.slow:g}); "
        f"or a slower p50 ({weights.p50:g}), p95 ({weights.p95:g}), p99 ({weights.p99:g})",
        f"clears rates at evidence of {format_decimal(1 / policy.beta)} : 1 (beta {policy.beta:g}), step by step:",
    ]
    for step in policy.steps:
        by_hand = ", raised to by a person" if step.by_hand else ""
        lines.append(
            f"  {format_percent(step.percent)}: below {format_share(step.bound, 4)}, "
            f"{format_count(step.minimum)} exchanges, "
            f"{format_seconds(policy.soak_s)}{by_hand}"
        )
    if policy.promote_by_hand:
        lines.append("a person promotes")
    if policy.strict:
        lines.append("rates are cleared block by block (strict)")
    carrying, below = format_share(policy.coverage_share), format_share(policy.endpoint_bound)
    lines.append(f"endpoints with {carrying} of the traffic must be cleared of {below} mismatches")
    if policy.unjudged:
        lines.append(f"not asked of {', '.join(make_printable(each, 60) for each in policy.unjudged)}")
    lines += [f"tells {make_printable(url)}" for url in policy.webhooks]
    return [*lines, forecast(policy, rate)]


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()
