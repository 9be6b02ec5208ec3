"""`dead`: look at what no consumer survived or could read, put it back, or let it go."""

from __future__ import annotations

import base64
import contextlib
import itertools
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import click
import orjson
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.redis.client import RedisClient

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import EXIT_FAILED, BadUsage
from darklaunch_console.output.numbers import format_bytes, format_count, format_seconds
from darklaunch_console.output.screen import (
    GOOD,
    QUIET,
    STRONG,
    json_option,
    make_printable,
    print_json,
    print_line,
    print_lines,
    print_warning,
    terminal_width,
    wrap_text,
)
from darklaunch_console.output.table import render_table, split_at
from darklaunch_console.output.text import escape_unprintable, format_plural
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.dead_letters import (
    StoredDeadLetter,
    delete_dead_letter,
    find_dead_letter,
    is_stale,
    read_dead_letters,
    retry_dead_letter,
)
from darklaunch_console.stores.postgres import open_redis
from darklaunch_console.stores.processes import read_clock_ms
from darklaunch_console.stores.streams import read_published_launch

SHOWN_BYTES = 4000
MOST = 10_000

argument_name = click.argument("name", callback=check_launch_name)
option_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group(invoke_without_command=True)
@click.pass_context
def dead(ctx: click.Context) -> None:
    """Dead letters: exchanges that ended five consumers, or that none could read. Kept with their payload."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@dead.command("list", short_help="List a launch's dead letters, the latest first.")
@argument_name
@click.option("--limit", type=click.IntRange(1, MOST), default=20, show_default=True, help="How many.")
@json_option
@click.pass_obj
def list_(settings: ConsoleSettings, name: str, limit: int, in_json: bool) -> None:
    """List a launch's dead letters, the latest first."""
    with open_redis(settings) as redis:
        state = read_published_launch(redis, name)
        now_ms = read_clock_ms(redis)
        shown = list(itertools.islice(read_dead_letters(redis, state), limit))
        every = sum(redis.execute_command("XLEN", keys.dead(name, shard)) for shard in range(state.spec.shards))
    if in_json:
        print_json({"launch": name, "dead": every, "letters": [_summary(letter) for letter in shown]})
        return
    if not shown:
        print_line(f"{name} has no dead letters.")
        return
    latest = f", the latest {len(shown)}" if every > len(shown) else ", the latest first"
    print_line(f"{format_plural(every, 'dead letter')} of {name}{latest if every > 1 else ''}:")
    head, *rows = render_table(
        ("id", "age", "died with", "request"), [_row(it, now_ms) for it in shown], left=(0, 2, 3), gap="  "
    )
    print_line(head, style=QUIET)
    for letter, row in zip(shown, rows, strict=True):
        print_line(split_at(row, terminal_width())[0])
        print_lines(wrap_text(make_printable(letter.dead.reason), indent="    "))
    if every > len(shown):
        print_line(f"{format_count(every - len(shown))} more: --limit {min(every, MOST)}")
    print_line(f"Next: darklaunch dead show {name} {_name(shown[0])}")


@dead.command(short_help="Show one dead letter whole.")
@argument_name
@click.argument("id")
@json_option
@click.pass_obj
def show(settings: ConsoleSettings, name: str, id: str, in_json: bool) -> None:
    """Show one dead letter whole. ID is its exchange's id or its entry's, as `dead list` shows them."""
    with open_redis(settings) as redis:
        letter = find_dead_letter(redis, read_published_launch(redis, name), id)
    if in_json:
        bodies = {field.decode("latin-1"): _value(value) for field, value in letter.dead.fields.items()}
        print_json({**_summary(letter), "fields": bodies})
        return
    print_line(f"{_name(letter)} died in the hands of {make_printable(letter.dead.group)}", style=STRONG)
    print_line(f"  {make_printable(letter.dead.reason, 2000)}")
    print_line(f"  {format_plural(letter.dead.deliveries, 'delivery', 'deliveries')}, {_at(letter.dead.at_ms)}")
    for field, value in letter.dead.fields.items():
        print_line(f"{make_printable(field)} ({format_bytes(len(value))})", style=STRONG)
        print_lines(f"  {line}" for line in _readable(field, value))
    then = "retry" if letter.meta else "purge"
    print_line(f"Next: darklaunch dead {then} {name} {_name(letter)}")


@dead.command(short_help="Put dead letters back where they died.")
@argument_name
@click.argument("id", required=False)
@option_yes
@json_option
@click.pass_context
def retry(ctx: click.Context, name: str, id: str | None, yes: bool, in_json: bool) -> None:
    """Put one dead letter, or all, back where they died. Their new outcome takes the place of `dead`.

    One that is older than the launch's max age stays: workers would only drop it as stale.
    """
    with open_redis(ctx.obj) as redis:
        state = read_published_launch(redis, name)
        chosen = [find_dead_letter(redis, state, id)] if id else _all(redis, state, "Put back", yes)
        now_ms = read_clock_ms(redis)
        stale = [letter for letter in chosen if is_stale(letter, state, now_ms)]
        gone = _each(
            (letter for letter in chosen if letter not in stale), lambda it: retry_dead_letter(redis, state, it)
        )
    if in_json:
        print_json({"launch": name, "retried": gone, "stale": [letter.entry_id for letter in stale]})
    else:
        print_line(f"{format_plural(len(gone), 'dead letter')} of {name} put back.", style=GOOD if gone else "")
    if stale:
        old = format_plural(len(stale), "dead letter")
        print_warning(
            f"{old} older than {name}'s max age ({format_seconds(state.spec.max_age_s)}) not put back: "
            f"they would be stale."
        )
    ctx.exit(EXIT_FAILED if stale and not gone else 0)


@dead.command(short_help="Delete dead letters with their payload.")
@argument_name
@click.argument("id", required=False)
@option_yes
@json_option
@click.pass_obj
def purge(settings: ConsoleSettings, name: str, id: str | None, yes: bool, in_json: bool) -> None:
    """Delete one dead letter, or all, with their payload. In the ledger they stay `dead`."""
    with open_redis(settings) as redis:
        state = read_published_launch(redis, name)
        chosen = [find_dead_letter(redis, state, id)] if id else _all(redis, state, "Delete", yes)
        gone = _each(chosen, lambda letter: delete_dead_letter(redis, state, letter))
    if in_json:
        print_json({"launch": name, "purged": gone})
    else:
        print_line(f"{format_plural(len(gone), 'dead letter')} of {name} deleted.")


def _all(redis: RedisClient, state: LaunchState, what: str, yes: bool) -> list[StoredDeadLetter]:
    """Choose every letter there is now, after asking."""
    chosen = list(read_dead_letters(redis, state))
    if not chosen or yes:
        return chosen
    if not sys.stdin.isatty():
        raise BadUsage(f"{format_plural(len(chosen), 'dead letter')}: name one, or add --yes to mean all of them")
    question = f"{what} all {format_count(len(chosen))} dead letters of {state.name}?"
    return chosen if click.confirm(question, err=True) else []


def _each(chosen: Iterable[StoredDeadLetter], act: Callable[[StoredDeadLetter], bool]) -> list[str]:
    return [_name(letter) for letter in chosen if act(letter)]


def _row(letter: StoredDeadLetter, now_ms: int) -> tuple[str, ...]:
    return (
        _name(letter),
        format_seconds(max(0, now_ms - letter.dead.at_ms) / 1000) if letter.dead.at_ms else "–",
        make_printable(letter.dead.group, 11),
        _request(letter),
    )


def _name(letter: StoredDeadLetter) -> str:
    return letter.exchange or letter.entry_id


def _request(letter: StoredDeadLetter) -> str:
    method, target = letter.meta.get("method"), letter.meta.get("target")
    return make_printable(f"{method} {target}", 60) if method and target else "unreadable"


def _summary(letter: StoredDeadLetter) -> dict[str, Any]:
    return {
        "exchange": letter.exchange or None,
        "entry": letter.entry_id,
        "shard": letter.shard,
        "reason": letter.dead.reason,
        "group": letter.dead.group,
        "deliveries": letter.dead.deliveries,
        "died_at_ms": letter.dead.at_ms,
        "captured_at_ms": letter.captured_ms(),
        "endpoint": letter.meta.get("endpoint"),
        "method": letter.meta.get("method"),
        "target": letter.meta.get("target"),
    }


def _value(value: bytes) -> object:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _readable(field: bytes, value: bytes) -> list[str]:
    if field in (keys.META, keys.SHADOW_META):
        with contextlib.suppress(orjson.JSONDecodeError):
            value = orjson.dumps(orjson.loads(value), option=orjson.OPT_INDENT_2)
    text = value[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
    lines = escape_unprintable(text, keep="\n").split("\n")
    if len(value) > SHOWN_BYTES:
        lines.append(f"… {format_bytes(len(value) - SHOWN_BYTES)} more: --json shows all")
    return lines


def _at(at_ms: int) -> str:
    return (
        datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at_ms else "at an unknown time"
    )
