"""`bench`: measure what the hook costs a user's own app."""

from __future__ import annotations

from dataclasses import asdict

import click

from darklaunch_console.bench.rounds import BARE, IDLE, SAMPLED, HookCost, measure_hook_cost
from darklaunch_console.embedded import EmbeddedError, embedded_valkey
from darklaunch_console.errors import BadUsage, ConsoleError
from darklaunch_console.output.numbers import format_count, format_decimal, format_signed
from darklaunch_console.output.screen import GOOD, json_option, print_json, print_line, print_warning
from darklaunch_console.output.table import render_table
from darklaunch_console.output.text import format_plural


@click.command()
@click.argument("app", metavar="MODULE:APP")
@click.option("--url", "target", default="/", metavar="PATH", help="Path and query to ask for.  [default: /]")
@click.option("--method", default="GET", metavar="METHOD", help="Method to ask with.  [default: GET]")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header field to send.")
@click.option("--data", default="", metavar="TEXT", help="A body to send.")
@click.option("--app-dir", default=".", metavar="DIR", help="Where the module is.  [default: here]")
@click.option("--interface", type=click.Choice(["auto", "asgi", "wsgi"]), default="auto", help="Kind of app.")
@click.option(
    "--rounds", type=click.IntRange(1, 100), default=7, show_default=True, help="How often each has its turn."
)
@click.option(
    "--requests", type=click.IntRange(20, 100_000), default=500, show_default=True, help="Requests in a turn."
)
@json_option
def bench(
    *,
    app: str,
    target: str,
    method: str,
    headers: tuple[str, ...],
    data: str,
    app_dir: str,
    interface: str,
    rounds: int,
    requests: int,
    in_json: bool,
) -> None:
    """Call your app bare, behind the hook while nothing is sampled, and behind the hook while everything is.

    Each runs in a process of its own, without a server, and they take turns, so that a busy machine disturbs all alike.
    A Valkey is started for it and stopped; your own Redis is not touched. Your app really is called: choose a URL that
    may be asked for some thousands of times.

    \b
      darklaunch bench shop.main:app --url '/orders/7?lines=all'
    """
    told = {
        "app": app,
        "directory": app_dir,
        "interface": interface,
        "method": method.upper(),
        "target": _target(target),
        "headers": _headers(headers, data),
        "body": data.encode().decode("latin-1"),
    }
    try:
        with embedded_valkey() as valkey:
            measured = measure_hook_cost(told, valkey.url, rounds=rounds, times=requests, tell=lambda _round: None)
    except EmbeddedError as error:
        raise ConsoleError(str(error)) from error
    if in_json:
        print_json(asdict(measured))
    else:
        _tell(measured, rounds, requests)
    if measured.status >= 400:
        print_warning(
            f"the app answered with HTTP {measured.status}: is that the request you meant? See --url, --header, --data"
        )


def _tell(measured: HookCost, rounds: int, requests: int) -> None:
    bare = measured.figures[0]
    idle, sampled = measured.added_us[IDLE], measured.added_us[SAMPLED]
    print_line(
        f"The hook adds {_us(sampled)} to a request that is sampled and {_us(idle)} to one that is not.", style=GOOD
    )
    print_line(f"Without it your app takes {_us(bare.p50_us)}.")
    rows = [
        [
            one.name,
            format_decimal(one.p50_us),
            format_signed(measured.added_us[one.name], 1) if one.name != BARE else "",
            format_decimal(one.p99_us),
            format_decimal(one.cpu_us),
            format_signed(measured.added_cpu_us[one.name], 1) if one.name != BARE else "",
        ]
        for one in measured.figures
    ]
    for line in render_table(["µs per request", "p50", "added", "p99", "CPU", "added"], rows):
        print_line(line)
    print_line("CPU is of the whole process, the hook's background thread included.")
    print_line(
        f"{format_plural(rounds, 'round')} of {format_count(requests)} requests each; {measured.interface.upper()}, "
        f"HTTP {measured.status}, {format_count(measured.body_bytes)} bytes."
    )


def _us(number: float) -> str:
    return f"{format_decimal(max(number, 0.0), 1 if number < 100 else 0)} µs"


def _target(text: str) -> str:
    if not text.startswith("/") or any(character <= " " for character in text) or not text.isascii():
        raise BadUsage(f"--url {text!r} is not a path: begin with / and percent-encode what is not ASCII")
    return text


def _headers(given: tuple[str, ...], data: str) -> list[list[str]]:
    headers = [["host", "127.0.0.1:8000"], ["accept", "*/*"], ["user-agent", "darklaunch-bench"]]
    if data:
        headers.append(["content-length", str(len(data.encode()))])
    for text in given:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise BadUsage(f"--header {text!r} is no header field: write 'NAME: VALUE'")
        headers.append([name.strip().lower(), value.strip()])
    return headers
