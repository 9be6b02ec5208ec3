"""`rules add`: one more rule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click
from darklaunch_comparator.rules import (
    RuleSet,
)
from darklaunch_comparator.rules.model import RULE_KINDS

from darklaunch_console.cli.arguments import check_launch_name, parse_duration
from darklaunch_console.errors import BadUsage
from darklaunch_console.launches.change import current_actor
from darklaunch_console.launches.rules import add_rules
from darklaunch_console.output.screen import json_option
from darklaunch_console.settings import ConsoleSettings

from .changing import change_rules


@click.command(short_help="Add a rule.")
@click.argument("name", callback=check_launch_name)
@click.argument("kind", type=click.Choice(list(RULE_KINDS)), metavar="KIND")
@click.argument("path", required=False)
@click.option("--pattern", metavar="REGEX", help="ignore: only where it matches the shadow's whole value.")
@click.option("--by", metavar="MEMBER", help="unordered: the member that tells elements apart.")
@click.option("--absolute", type=float, metavar="N", help="tolerance: the two numbers may differ by this much.")
@click.option("--relative", type=float, metavar="SHARE", help="tolerance: or by this share of the greater one.")
@click.option("--allow-extra", is_flag=True, help="structure_only: the shadow may have further keys.")
@click.option("--compare", multiple=True, metavar="HEADER", help="headers: compare this one, too.")
@click.option("--never", multiple=True, metavar="HEADER", help="headers: never compare this one.")
@click.option(
    "--endpoint", "endpoints", multiple=True, metavar="ENDPOINT", help="Only at this endpoint: 'GET /orders/{id}'."
)
@click.option("--except", "excepted", multiple=True, metavar="ENDPOINT", help="Everywhere but at this endpoint.")
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
    _refuse_foreign_options(kind, new)
    if "expires" in new:
        new["expires"] = parse_expiry(str(new["expires"]))

    def change(old: RuleSet) -> RuleSet:
        return add_rules(old, new)

    change_rules(settings, name, change, reason=reason, in_json=in_json)


def _refuse_foreign_options(kind: str, values: Iterable[str]) -> None:
    """Raise BadUsage for a path or an option that rules of this kind do not have, naming those that they have."""
    fields = {field.alias or name for name, field in RULE_KINDS[kind].model_fields.items()} | {"kind"}
    own = sorted(f"--{name.replace('_', '-')}" for name in fields & {"pattern", "by", "absolute", "relative",
                 "allow_extra", "compare", "never"})  # fmt: skip
    also = f"; it takes {', '.join(own)}" if own else ""
    for name in values:
        if name == "path" and name not in fields:
            raise BadUsage(f"a rule of kind {kind} is not about a path{also or ': leave the path out'}")
        if name not in fields:
            raise BadUsage(f"--{name.replace('_', '-')} is no option of a rule of kind {kind}{also}")


def parse_expiry(text: str) -> date | datetime:
    """Parse `2026-12-31`, a time with its zone, or a time from now such as `30d`. Raises BadUsage."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=parse_duration(text))
    except (ValueError, OverflowError):
        raise BadUsage(f"--expires {text!r} is no time: write 2026-12-31, or 30d for a time from now") from None
