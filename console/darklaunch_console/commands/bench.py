"""`bench`: measure what the hook costs a user's own app."""

from __future__ import annotations

from dataclasses import asdict

import click

from darklaunch_console.bench.cost_text import render_cost
from darklaunch_console.bench.request_options import build_headers, check_target
from darklaunch_console.bench.rounds import measure_hook_cost
from darklaunch_console.embedded import embedded_valkey
from darklaunch_console.output.screen import json_option, print_json, print_styled, print_warning


@click.command()
@click.argument("app", metavar="MODULE:APP")
@click.option("--url", "target", default="/", metavar="PATH", help="Path and query to ask for.  [default: /]")
@click.option("--method", default="GET", metavar="METHOD", help="Method to ask with.  [default: GET]")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header field to send.")
@click.option("--data", default="", metavar="TEXT", help="A body to send.")
@click.option("--app-dir", default=".", metavar="DIR", help="Where the module is.  [default: here]")
@click.option("--interface", type=click.Choice(["auto", "asgi", "wsgi"]), default="auto", help="Kind of app.")
@click.option("--rounds", type=click.IntRange(1, 100), default=7, show_default=True, help="How often each is measured.")
@click.option(
    "--requests", type=click.IntRange(20, 100_000), default=500, show_default=True, help="Requests in a round."
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
    request = {
        "app": app,
        "directory": app_dir,
        "interface": interface,
        "method": method.upper(),
        "target": check_target(target),
        "headers": build_headers(headers, data),
        "body": data.encode().decode("latin-1"),
    }
    with embedded_valkey() as valkey:
        cost = measure_hook_cost(request, valkey.url, rounds=rounds, times=requests)
    if in_json:
        print_json(asdict(cost))
    else:
        print_styled(render_cost(cost, rounds=rounds, requests=requests))
    if cost.status >= 400:
        hint = "is that the request you meant? See --url, --header, --data"
        print_warning(f"the app answered with HTTP {cost.status}: {hint}")
