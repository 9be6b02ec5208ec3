"""`backlog`: what waits, what is in progress, how old it is and how fast it goes."""

from __future__ import annotations

from dataclasses import asdict

import click

from darklaunch_console.launches.backlog import read_backlogs
from darklaunch_console.launches.backlog_text import (
    list_remarks,
    list_warnings,
    render_backlogs,
    render_consumers,
    summarize_backlogs,
)
from darklaunch_console.output.screen import json_option, print_json, print_line, print_lines, print_warning, wrap_text
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.consumers import read_consumers
from darklaunch_console.stores.postgres import open_redis
from darklaunch_console.stores.processes import list_live_comparators, list_live_workers
from darklaunch_console.stores.streams import read_published_launch, read_published_launches


@click.command()
@click.argument("name", required=False)
@json_option
@click.pass_obj
def backlog(settings: ConsoleSettings, name: str | None, in_json: bool) -> None:
    """Show how many exchanges of each launch, or one, wait for a worker, are in flight, and wait to be compared.

    Then what each worker and comparator has in flight. Reads twice, one second apart, to compute rates.
    """
    with open_redis(settings) as redis:
        launches = {name: read_published_launch(redis, name)} if name else read_published_launches(redis)
        backlogs = read_backlogs(redis, launches) if launches else []
        workers, comparators = list_live_workers(redis), list_live_comparators(redis)
        consumers = read_consumers(redis, launches.values(), workers, comparators)
    if in_json:
        counts = {"workers": len(workers), "comparators": len(comparators)}
        by_consumer = [asdict(consumer) for consumer in consumers]
        print_json({"launches": [asdict(row) for row in backlogs], **counts, "consumers": by_consumer})
        return
    if not backlogs:
        print_line("There is no launch yet: start one with `darklaunch start NAME --shadow URL`.")
        return
    print_lines(wrap_text(summarize_backlogs(backlogs)))
    print_lines(["", *render_backlogs(backlogs), *render_consumers(consumers)])
    print_lines(list_remarks(backlogs, consumers))
    for warning in list_warnings(backlogs, consumers, workers=bool(workers), comparators=bool(comparators)):
        print_warning(warning)
