"""`history`: every event of a launch and what it rests on."""

from __future__ import annotations

from collections import defaultdict

import click
from darklaunch_comparator.store.deliveries import NotificationDelivery, read_deliveries
from darklaunch_comparator.store.judgements import count_late_exchanges
from darklaunch_comparator.store.launches import LaunchEvent, list_events

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.output.screen import (
    QUIET,
    STRONG,
    json_option,
    make_printable,
    print_json,
    print_line,
    print_lines,
    wrap_text,
)
from darklaunch_console.output.text import format_plural
from darklaunch_console.output.times import format_second
from darklaunch_console.reports.events import (
    describe_delivery,
    describe_event,
    event_to_json,
    list_changes,
    list_reasons,
)
from darklaunch_console.reports.verdict_text import describe_late_exchanges
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import open_postgres


@click.command(short_help="Show every decision about a launch, and what it rests on.")
@click.argument("name", callback=check_launch_name)
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many.")
@json_option
@click.pass_obj
def history(settings: ConsoleSettings, name: str, limit: int, in_json: bool) -> None:
    """Show every change, act and verdict of a launch, the latest first: when, who, what, and why.

    --json prints all that each rests on: evidence, counts, thresholds, policy, and a digest of the rules.
    """
    with open_postgres(settings) as connection:
        read_launch_record(connection, name)
        events = list_events(connection, name, limit)
        late_exchanges = count_late_exchanges(connection, name)
        by_event = defaultdict[int, list[NotificationDelivery]](list)
        for delivery in read_deliveries(connection, name, limit):
            by_event[delivery.event].append(delivery)
    if in_json:
        entries = [event_to_json(event, by_event[event.id]) for event in events]
        print_json({"launch": name, "late": late_exchanges, "events": entries})
        return
    earlier = f"; earlier ones: --limit {10 * limit}" if len(events) == limit else ""
    print_line(f"{name}: {format_plural(len(events), 'event')}, the latest first{earlier}", style=STRONG)
    later: LaunchEvent | None = None
    for event in events:
        print_line(f"  {format_second(event.at)}  {describe_event(event)} by {make_printable(event.actor, 60)}")
        notifications = map(describe_delivery, by_event[event.id])
        for line in (*list_reasons(event, later), *list_changes(event.data), *notifications):
            print_lines(wrap_text(line, "            ", "  "))
        later = event
    if late_exchanges:
        print_lines(wrap_text(describe_late_exchanges(late_exchanges)))
    print_line(f"What each decision rests on: darklaunch history {name} --json", style=QUIET)
