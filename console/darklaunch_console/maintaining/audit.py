"""`audit`: does every exchange that was ever sampled have an outcome?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from textwrap import fill
from typing import Final

import click
from darklaunch_shared.connect import Client
from darklaunch_shared.launch import LaunchState

from darklaunch_console.acting.control import find
from darklaunch_console.alive import hooks_alive
from darklaunch_console.arguments import launch_name
from darklaunch_console.errors import EXIT_FAILED
from darklaunch_console.output.numbers import count
from darklaunch_console.output.screen import BAD, GOOD, columns, json_option, say, say_all, say_json
from darklaunch_console.settings import Settings
from darklaunch_console.stores import Connection, open_postgres, open_redis
from darklaunch_console.traffic import Sight, read_launch

from .accounts import Account, balance
from .books import gap_began, read_book, read_ledger, read_record
from .by_producer import producers
from .strictly import read_strictly

LOOKS: Final = 3
BETWEEN_LOOKS_S: Final = 1.0
WITHIN_S: Final = 60.0
WITHIN_HELP: Final = "How long reading the rows may take (with --strict)."
SECONDS: Final = click.FloatRange(min=0.001, max=86_400)
ORDER: Final = ("matched", "mismatched", "ignored", "unverified", "shadow_error", "dead")


@click.command()
@click.argument("name", callback=launch_name)
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
    settings: Settings = ctx.obj
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        state = find(redis, connection, name).state
        account = look(redis, connection, state)
        sight = read_launch(redis, state)
        reading = read_strictly(connection, name, within_s) if strict else None
        where = {} if account.balanced else between_stages(account, read_ledger(redis, name, state.spec.shards))
        since = None if account.balanced else _since(connection, name, account)
    fine = account.balanced and not (reading and (account.on_its_way or not reading.sound))
    if in_json:
        rows = reading.as_json() if reading else {}
        say_json({**_as_json(name, account, fine, where, since), **_in_hand(sight), **rows})
    else:
        _tell(account, fine, sight)
        say_all(producers(account.lines, every=every))
        if reading:
            reading.tell(account.lines, every=every)
        if not account.balanced:
            _tell_where(name, where, since)
    ctx.exit(0 if fine else EXIT_FAILED)


def look(redis: Client, connection: Connection, state: LaunchState) -> Account:
    """Make the account; when it seems not to balance, look again before saying so."""
    account = _look_once(redis, connection, state)
    for _ in range(LOOKS - 1):
        if account.balanced:
            break
        time.sleep(BETWEEN_LOOKS_S)
        account = _look_once(redis, connection, state)
    return account


def _look_once(redis: Client, connection: Connection, state: LaunchState) -> Account:
    before = read_record(connection, state.name)
    shards = [read_book(redis, state.name, shard) for shard in range(state.spec.shards)]
    alive = frozenset(process.id for process in hooks_alive(redis))
    return balance(before, shards, read_record(connection, state.name), alive)


def between_stages(account: Account, ledger: Mapping[str, int]) -> dict[str, int]:
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


def _since(connection: Connection, name: str, account: Account) -> str | None:
    worst = max(account.lines, key=lambda line: line.missing, default=None)
    began = gap_began(connection, name, worst.producer) if worst and worst.missing else None
    return began.astimezone().isoformat(sep=" ", timespec="seconds") if began else None


def _in_hand(sight: Sight) -> dict[str, int]:
    """Say what is unread and pending on the streams, and how many dead letters are kept. Looked at a moment later."""
    return {
        "captures_unread": sum(shard.captures.waiting for shard in sight.shards),
        "captures_pending": sum(shard.captures.in_flight for shard in sight.shards),
        "replays_unread": sum(shard.replays.waiting for shard in sight.shards),
        "replays_pending": sum(shard.replays.in_flight for shard in sight.shards),
        "dead_letters": sum(shard.dead for shard in sight.shards),
    }


def _tell(account: Account, fine: bool, sight: Sight) -> None:
    sampled = f"{count(account.sampled)} sampled"
    places = f"{count(account.settled)} settled + {count(account.on_its_way)} on their way"
    if account.killed:
        places += f" + {count(account.killed)} gone with processes that were killed"
    if account.balanced:
        told = "balanced" if fine else f"balanced, but {'not done' if account.on_its_way else 'its rows are not right'}"
        say(f"{told}: {sampled} = {places}, 0 lost", style=GOOD if fine else BAD)
    else:
        say(f"NOT BALANCED: {sampled}, but {places}: {count(account.lost)} lost", style=BAD)
    parts = [f"{outcome.replace('_', ' ')} {count(account.outcomes.get(outcome, 0))}" for outcome in ORDER]
    reasons = ", ".join(f"{reason.replace('_', ' ')} {count(number)}" for reason, number in account.dropped.items())
    parts.append(f"dropped {count(sum(account.dropped.values()))}{f' ({reasons})' if reasons else ''}")
    say_all(fill(f"settled: {', '.join(parts)}", columns(), initial_indent="  ", subsequent_indent="    ").splitlines())
    if account.on_its_way:
        say(
            f"  on their way: {count(account.outboxes)} in hooks' outboxes, {count(account.captures)} on captures, "
            f"{count(account.replays)} on replays"
        )
        hand = _in_hand(sight)
        say(
            f"    captures: {count(hand['captures_unread'])} unread, {count(hand['captures_pending'])} with workers; "
            f"replays: {count(hand['replays_unread'])} unread, {count(hand['replays_pending'])} with comparators"
        )


def _tell_where(name: str, where: Mapping[str, int], since: str | None) -> None:
    say()
    for stage, number in where.items():
        say(f"  {count(number)} {stage}")
    if since:
        say(f"  The first is missing after {since}.")
    say("  The comparator records what Redis lost as dropped (lost_in_redis), minutes later; then it balances again.")
    say(f"  Next: darklaunch doctor; darklaunch dead list {name}; redis-cli XINFO STREAM '{{dl:{name}:0}}:captures'")


def _as_json(name: str, account: Account, fine: bool, where: Mapping[str, int], since: str | None) -> dict[str, object]:
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
        "producers": [asdict(line) for line in account.lines],
    }
