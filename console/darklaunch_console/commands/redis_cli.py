"""`redis-cli`: one Redis command, where there is no redis-cli, or the server is that of `up`."""

from __future__ import annotations

import sys
from typing import Any, cast

import click
from redis.exceptions import ResponseError

from darklaunch_console.errors import EXIT_FAILED
from darklaunch_console.output.redis_reply import render_for_person, render_for_pipe
from darklaunch_console.output.screen import print_lines
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.redis import open_redis


@click.command("redis-cli", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND [ARGUMENT]...")
@click.pass_context
def redis_cli(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Send one command to the Redis of this installation, and print the reply as redis-cli does.

    \b
      darklaunch redis-cli XLEN '{dl:checkout-v2:0}:captures'
    """
    settings: ConsoleSettings = ctx.obj
    with open_redis(settings) as redis:
        cast(Any, redis).response_callbacks.clear()  # replies as Redis sends them, not as Python values
        try:
            reply = redis.execute_command(*(word.encode("utf-8", "surrogateescape") for word in words))
        except ResponseError as refused:
            reply = refused
    if sys.stdout.isatty():
        print_lines(render_for_person(reply))
    else:
        sys.stdout.buffer.write(b"".join(line + b"\n" for line in render_for_pipe(reply)))
        sys.stdout.flush()
    ctx.exit(EXIT_FAILED if isinstance(reply, ResponseError) else 0)
