"""`history`: how a launch came to be what it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

import click
import orjson
from darklaunch_comparator.errors import BadPolicy
from darklaunch_comparator.judging.policy_file import dump_policy, read_policy
from darklaunch_comparator.store.deliveries import NotificationDelivery, read_deliveries
from darklaunch_comparator.store.judgements import count_late_exchanges
from darklaunch_comparator.store.launches import LaunchEvent, list_events

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.output.screen import QUIET, STRONG, json_option, make_printable, print_json, print_line
from darklaunch_console.output.text import format_plural
from darklaunch_console.reports.evidence import read_launch_record
from darklaunch_console.reports.judgement import describe_late_exchanges, list_accused_places
from darklaunch_console.reports.sentences import format_second
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres

_TOLD_BY_THE_ACT = frozenset({"status", "hold", "percent", "state", "places"})


@click.command(short_help="Show every decision about a launch, with what it rested on.")
@click.argument("name", callback=check_launch_name)
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many.")
@json_option
@click.pass_obj
def history(settings: ConsoleSettings, name: str, limit: int, in_json: bool) -> None:
    """Show every change, act and verdict of a launch, the latest first: when, who, what, and why.

    --json gives all that each rested on: evidence, counts, thresholds, policy, and a digest of the rules.
    """
    with open_postgres(settings) as connection:
        read_launch_record(connection, name)
        events = list_events(connection, name, limit)
        too_late = count_late_exchanges(connection, name)
        told = defaultdict[int, list[NotificationDelivery]](list)
        for delivery in read_deliveries(connection, name, limit):
            told[delivery.event].append(delivery)
    if in_json:
        print_json({"launch": name, "late": too_late, "events": [_event(event, told[event.id]) for event in events]})
        return
    cut = f"; earlier ones: --limit {10 * limit}" if len(events) == limit else ""
    print_line(f"{name}: {format_plural(len(events), 'event')}, the latest first{cut}", style=STRONG)
    after: LaunchEvent | None = None
    for event in events:
        print_line(f"  {format_second(event.at)}  {done(event)} by {make_printable(event.actor, 60)}")
        for line in (*_why(event, after), *changes(event.data), *map(_delivered, told[event.id])):
            print_line(f"            {line}")
        after = event
    if too_late:
        print_line(describe_late_exchanges(too_late))
    print_line(f"Everything they rested on: darklaunch history {name} --json", style=QUIET)


def done(event: LaunchEvent) -> str:
    """Say what was done: `ramped to 50 %`, `9f3a1c… accepted`, `verdict`."""
    what = event.act.replace("_", " ")
    change = event.data.get("percent")
    to = f" to {change['to']:g} %" if isinstance(change, dict) and "to" in change else ""
    signature = event.data.get("signature")
    return f"{make_printable(str(signature), 20)} {what}" if signature else f"{what}{to}"


def changes(data: Mapping[str, Any]) -> Iterator[str]:
    """Say what an event changed of a launch's settings: `soak_s: 300 → 60`, `+ ignore $.total`."""
    for objection in cast(Sequence[str], data.get("despite", ())):
        yield f"although {make_printable(objection, 200)}"
    for name, change in data.items():
        if not isinstance(change, Mapping) or name in _TOLD_BY_THE_ACT:
            continue
        told = cast(Mapping[str, Any], change)
        if set(told) == {"added", "removed"}:
            yield from (f"− {_rule(rule)}" for rule in told["removed"])
            yield from (f"+ {_rule(rule)}" for rule in told["added"])
        elif set(told) == {"from", "to"}:
            was, now = (_flat(name, told[side]) for side in ("from", "to"))
            for setting in (*was, *(setting for setting in now if setting not in was)):
                if was.get(setting) != now.get(setting):
                    yield f"{setting}: {_value(was.get(setting))} → {_value(now.get(setting))}"


def _why(event: LaunchEvent, after: LaunchEvent | None) -> list[str]:
    """Give the reason and the places accused; of a verdict that was acted on at once, the act has them."""
    if after and event.act == "verdict" and event.reason.endswith(f": {after.reason}") and after.actor == event.actor:
        return [make_printable(event.reason.partition(":")[0], 60)]
    reason = [make_printable(event.reason, 400)] if event.reason else []
    return [*reason, *list_accused_places(event.data)]


def _flat(name: str, value: object) -> dict[str, object]:
    """Give the settings of a policy by their paths, as `policy set` takes them; anything else by its own name."""
    if name != "policy":
        return {name.replace("_", " "): value}
    flat: dict[str, object] = {}
    try:
        policy = dump_policy(read_policy(str(value)))
    except BadPolicy:  # of another release
        policy = {}
    for setting, held in policy.items():
        if isinstance(held, Mapping):
            flat |= {f"{setting}.{part}": each for part, each in cast(Mapping[str, object], held).items()}
        else:
            flat[setting] = held
    return flat


def _rule(rule: Mapping[str, object]) -> str:
    named = [str(rule[part]) for part in ("kind", "path") if rule.get(part)]
    rest = [
        f"{part} {_value(value)}"
        for part, value in rule.items()
        if part not in ("kind", "path", "author", "reason") and value
    ]
    return make_printable(", ".join([" ".join(named), *rest]), 200)


def _value(value: object) -> str:
    shown = f"{value:g}" if isinstance(value, float) else value
    shown = shown if isinstance(shown, str) else orjson.dumps(shown).decode()
    return make_printable(shown, 120) if value not in (None, "", [], ()) else "none"


def _delivered(delivery: NotificationDelivery) -> str:
    target = make_printable(delivery.target, 100) if delivery.target else "the command"
    word = {"delivered": "told", "failed": "could not tell", "pending": "is still to tell"}[delivery.state]
    tries = f"{format_plural(delivery.attempts, 'attempt')}" if delivery.attempts > 1 else ""
    said = ", ".join(part for part in (make_printable(delivery.said, 120), tries) if part)
    return f"{word} {target}{f' ({said})' if said else ''}"


def _event(event: LaunchEvent, told: list[NotificationDelivery]) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.at,
        "actor": event.actor,
        "act": event.act,
        "reason": event.reason,
        "revision": event.revision,
        "data": event.data,
        "deliveries": [asdict(delivery) for delivery in told],
    }
