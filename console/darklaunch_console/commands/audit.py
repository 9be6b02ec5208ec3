"""`audit`: does every exchange that was ever sampled have an outcome?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from textwrap import fill
from typing import Final

import click
import psycopg
from darklaunch_comparator.store.audit_rows import RowCounts, count_result_rows, read_last_before_gap
from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.redis.client import RedisClient

from darklaunch_console.audit.balance import LaunchAccount, balance_books
from darklaunch_console.audit.producer_table import producers_to_json, render_tables
from darklaunch_console.audit.reader import read_recorded_book, read_shard_book, sum_script_counters
from darklaunch_console.audit.stream_entries import StreamEntries, add_up
from darklaunch_console.audit.strict import StrictAudit, audit_rows
from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import EXIT_FAILED
from darklaunch_console.launches.change import find_launch
from darklaunch_console.output.numbers import format_count, format_seconds
from darklaunch_console.output.screen import (
    BAD,
    GOOD,
    QUIET,
    json_option,
    print_json,
    print_line,
    print_lines,
    terminal_width,
    wrap_text,
)
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import Connection, open_postgres, open_redis
from darklaunch_console.stores.processes import list_live_hooks
from darklaunch_console.stores.streams import StreamsState, read_streams

COUNT_S: Final = 5.0
"""How long counting the entries on the streams may take; and the rows, where nobody asked for them."""
WITHIN_S: Final = 60.0
WITHIN_HELP: Final = "How long reading the rows may take (with --strict)."
SECONDS: Final = click.FloatRange(min=0.001, max=86_400)
ORDER: Final = ("matched", "mismatched", "ignored", "unverified", "shadow_error", "dead")


@click.command()
@click.argument("name", callback=check_launch_name)
@click.option(
    "--strict", is_flag=True, help="Also read every row, and fail while something is on its way: for use after `drain`."
)
@click.option("--within", "within_s", metavar="SECONDS", type=SECONDS, default=WITHIN_S, help=WITHIN_HELP)
@click.option("--all", "every", is_flag=True, help="List each finished process, too.")
@json_option
@click.pass_context
def audit(ctx: click.Context, name: str, strict: bool, within_s: float, every: bool, in_json: bool) -> None:
    """Check that every exchange that was sampled has an outcome or is on its way.

    sampled = matched + mismatched + ignored + unverified + shadow error + dead + dropped + on its way.
    With --strict the recorded rows are counted and compared with every sum that is kept of them.
    Exit code 1 when it does not balance.
    """
    settings: ConsoleSettings = ctx.obj
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        state = find_launch(redis, connection, name).state
        account = look(redis, connection, state)
        held = account.held or _held(read_streams(redis, state))
        reading = audit_rows(connection, name, within_s) if strict else None
        counts = _counts(connection, name, reading)
        where = {} if account.balanced else between_stages(account, sum_script_counters(redis, name, state.spec.shards))
        since = None if account.balanced else _since(connection, name, account)
    fine = account.balanced and not (reading and (account.on_its_way or not reading.sound))
    if in_json:
        rows = reading.as_json() if reading else {}
        told = {**_as_json(name, account, fine, where, since), **asdict(held)}
        print_json({**told, "producers": producers_to_json(account, counts), "strangers": account.strangers, **rows})
    else:
        _tell(account, fine, held)
        print_lines(render_tables(account, counts, every=every))
        _tell_uncounted(account, counts, reading)
        if reading:
            reading.tell()
        if not account.balanced:
            _tell_where(name, where, since)
    ctx.exit(0 if fine else EXIT_FAILED)


def look(redis: RedisClient, connection: Connection, state: LaunchState) -> LaunchAccount:
    """Make the account: the record, Redis, the record again."""
    before = read_recorded_book(connection, state.name)
    until_s = time.monotonic() + COUNT_S
    shards = [read_shard_book(redis, state.name, shard, until_s) for shard in range(state.spec.shards)]
    alive = frozenset(process.id for process in list_live_hooks(redis))
    return balance_books(before, shards, read_recorded_book(connection, state.name), alive)


def between_stages(account: LaunchAccount, ledger: Mapping[str, int]) -> dict[str, int]:
    """Say how many are missing between which two stages, as far as the scripts' counters tell."""
    written = sum(line.recorded + line.missing for line in account.lines)
    admitted = ledger.get("admitted", 0) + ledger.get("retried", 0)
    taken_off = sum(ledger.get(counter, 0) for counter in ("replayed", "dropped", "dead", "foreign"))
    stages = {
        "written by the hooks, unknown to Redis": written - ledger.get("admitted", 0),
        "on captures, then neither there nor taken off it": admitted - account.captures - taken_off,
        "taken off while no longer on the stream (lost_pel)": ledger.get("lost_pel", 0),
        "recorded rows by outcome against rows by producer": abs(account.disagreement),
    }
    found = {stage: number for stage, number in stages.items() if number > 0}
    rest = account.lost - sum(stages[stage] for stage in list(stages)[:2] if stages[stage] > 0)
    if rest > 0:
        found["on replays, then neither there nor recorded"] = rest
    return found


def _since(connection: Connection, name: str, account: LaunchAccount) -> str | None:
    worst = max(account.lines, key=lambda line: line.missing, default=None)
    began = read_last_before_gap(connection, name, worst.producer) if worst and worst.missing else None
    return began.astimezone().isoformat(sep=" ", timespec="seconds") if began else None


def _held(sight: StreamsState) -> StreamEntries:
    """Say what the streams hold by their own count, a moment later."""
    return add_up(
        StreamEntries(
            shard.captures.waiting,
            shard.captures.in_flight,
            shard.replays.waiting,
            shard.replays.in_flight,
            shard.dead,
        )
        for shard in sight.shards
    )


def _counts(connection: Connection, name: str, reading: StrictAudit | None) -> RowCounts | None:
    """Give the rows by process and outcome; None where counting them takes too long."""
    if reading:
        return reading.rows.counts if reading.rows else None
    try:
        return count_result_rows(connection, name, COUNT_S)
    except psycopg.errors.QueryCanceled:
        connection.rollback()
        return None


def _tell_uncounted(account: LaunchAccount, counts: RowCounts | None, reading: StrictAudit | None) -> None:
    if account.held is None:
        print_line()
        print_line(f"More is on the streams than can be counted by process in {format_seconds(COUNT_S)}.", style=QUIET)
    if counts is None and reading is None:
        print_line()
        print_line(
            f"The rows take longer to count by process than {format_seconds(COUNT_S)}: --strict gives them more.",
            style=QUIET,
        )


def _tell(account: LaunchAccount, fine: bool, held: StreamEntries) -> None:
    sampled = f"{format_count(account.sampled)} sampled"
    places = f"{format_count(account.settled)} settled + {format_count(account.on_its_way)} on their way"
    if account.killed:
        places += f" + {format_count(account.killed)} gone with processes that were killed"
    if account.balanced:
        told = "balanced" if fine else f"balanced, but {'not done' if account.on_its_way else 'its rows are not right'}"
        told = f"{told}: {sampled} = {places}, 0 lost"
    else:
        told = f"NOT BALANCED: {sampled}, but {places}: {format_count(account.lost)} lost"
    for line in wrap_text(told, more="  "):
        print_line(line, style=GOOD if fine else BAD)
    parts = [f"{outcome.replace('_', ' ')} {format_count(account.outcomes.get(outcome, 0))}" for outcome in ORDER]
    reasons = ", ".join(
        f"{reason.replace('_', ' ')} {format_count(number)}" for reason, number in account.dropped.items()
    )
    parts.append(f"dropped {format_count(sum(account.dropped.values()))}{f' ({reasons})' if reasons else ''}")
    print_lines(
        fill(
            f"settled: {', '.join(parts)}", terminal_width(), initial_indent="  ", subsequent_indent="    "
        ).splitlines()
    )
    if account.on_its_way:
        print_line(
            f"  on their way: {format_count(account.outboxes)} in hooks' outboxes, "
            f"{format_count(account.captures)} on captures, "
            f"{format_count(account.replays)} on replays"
        )
        print_line(
            f"    captures: {format_count(held.captures_unread)} unread, "
            f"{format_count(held.captures_pending)} with workers; "
            f"replays: {format_count(held.replays_unread)} unread, {format_count(held.replays_pending)} "
            f"with comparators"
        )


def _tell_where(name: str, where: Mapping[str, int], since: str | None) -> None:
    print_line()
    for stage, number in where.items():
        print_line(f"  {format_count(number)} {stage}")
    if since:
        print_line(f"  The first is missing after {since}.")
    print_line(
        "  The comparator records what Redis lost as dropped (lost_in_redis), minutes later; then it balances again."
    )
    print_line(
        f"  Next: darklaunch doctor; darklaunch dead list {name}; redis-cli XINFO STREAM '{{dl:{name}:0}}:captures'"
    )


def _as_json(
    name: str, account: LaunchAccount, fine: bool, where: Mapping[str, int], since: str | None
) -> dict[str, object]:
    return {
        "launch": name,
        "balanced": account.balanced,
        "ok": fine,
        "sampled": account.sampled,
        "settled": account.settled,
        "on_its_way": account.on_its_way,
        "lost": account.lost,
        "killed": account.killed,
        "outcomes": {outcome: account.outcomes.get(outcome, 0) for outcome in ORDER},
        "dropped": account.dropped,
        "in_outboxes": account.outboxes,
        "on_captures": account.captures,
        "on_replays": account.replays,
        "disagreement": account.disagreement,
        "where": where,
        "since": since,
    }
