"""`demo`: a dark launch of a small shop, from capture to promotion, with nothing to set up."""

from __future__ import annotations

import click

from darklaunch_console.demo.play import demo_to_json, run_demo
from darklaunch_console.output.screen import json_option, print_json


@click.command()
@click.option("--keep", is_flag=True, help="Leave everything running until Ctrl-C, to look around.")
@json_option
@click.pass_context
def demo(ctx: click.Context, keep: bool, in_json: bool) -> None:
    """Run a dark launch of a small shop on real servers with real load, in two acts of a minute or less.

    Act 1: three bugs are planted in release v2; the report must name exactly these three, and the verdict be to roll
    back. Act 2: v3 has them repaired; the judge must raise its share step by step and promote it. Exit code 0 when
    both came out so. Nothing is left behind; with --keep, everything runs on until Ctrl-C.
    """
    with run_demo(keep=keep, to_stderr=in_json) as (result, keep_running):
        if in_json:
            print_json(demo_to_json(result))
        if keep:
            keep_running()
    ctx.exit(1 if result.mistakes else 0)
