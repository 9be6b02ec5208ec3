"""The options of `start` that become the launch's specification (see `launches.specification`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click
from darklaunch_shared.launch.spec import MAX_SHARDS

from .arguments import make_duration_callback, read_percentage

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option(
        "--shadow", required=True, metavar="URL", help="Where the version under test answers: http://HOST:PORT."
    ),
    click.option(
        "--app", default="", metavar="NAME", help="The app to mirror, by its app_name.  [default: the only one seen]"
    ),
    click.option(
        "--recorded",
        is_flag=True,
        help="Mirror what `import` reads from traffic files, instead of an app's live traffic.",
    ),
    click.option("--allow", multiple=True, metavar="'METHOD /PATH'", help="Mirror this write too; * is one segment."),
    click.option("--only", multiple=True, metavar="PATTERN", help="Mirror only paths like this: /api/**."),
    click.option("--skip", multiple=True, metavar="PATTERN", help="Never mirror paths like this."),
    click.option(
        "--max-latency-diff",
        callback=make_duration_callback(0.001, 600),
        default="2000ms",
        metavar="TIME",
        help="A replay that takes this much longer than the primary is slow.  [default: 2000ms]",
    ),
    click.option(
        "--sticky", default="", metavar="KEY", help="Sample by header:NAME, cookie:NAME or client, not at random."
    ),
    click.option(
        "--ignore", multiple=True, metavar="PATH", help="Excuse differences at this place: $.path or header:NAME."
    ),
    click.option("--no-compare", is_flag=True, help="Record status and latency only."),
    click.option(
        "--max-rps", type=click.FloatRange(min=0), default=0.0, metavar="N", help="Requests a second, at most."
    ),
    click.option(
        "--max-age",
        callback=make_duration_callback(1, 86_400),
        default="300s",
        metavar="TIME",
        help="Do not replay exchanges older than this.  [default: 300s]",
    ),
    click.option(
        "--control", default="", metavar="URL", help="A second instance of the primary's version, to learn noise."
    ),
    click.option(
        "--noise",
        callback=read_percentage,
        default="10",
        metavar="N",
        help="Share of reads replayed once more, to --control or the shadow; 0: none.  [default: 10]",
    ),
    click.option(
        "--set-header",
        multiple=True,
        metavar="NAME=VALUE",
        help="A header the shadow gets; a credential as NAME=@env:VARIABLE or NAME=@file:PATH of the worker.",
    ),
    click.option("--remove-header", multiple=True, metavar="NAME", help="A header the shadow does not get."),
    click.option("--path-prefix", default="", metavar="/PATH", help="What paths begin with at the shadow: /v2."),
    click.option(
        "--host",
        default="shadow",
        metavar="HOST",
        help="The Host sent: shadow, preserve, or a name.  [default: shadow]",
    ),
    click.option(
        "--ca", default="", metavar="FILE", help="Trust this authority for https, not the system's; read by workers."
    ),
    click.option("--client-cert", default="", metavar="FILE", help="The certificate that workers show, in PEM form."),
    click.option("--client-key", default="", metavar="FILE", help="Its key, where it is in a file of its own."),
    click.option(
        "--allow-private-metadata", is_flag=True, help="Allow a shadow on a link-local or cloud metadata address."
    ),
    click.option("--seal", is_flag=True, help="Send the shadow the users' credentials, encrypted on the way."),
    click.option(
        "--shards",
        type=click.IntRange(1, MAX_SHARDS),
        default=1,
        metavar="N",
        help="Streams to spread the launch over.",
    ),
    click.option("--build-header", default="", metavar="NAME", help="The shadow's header that names its build."),
)


def launch_options(function: F) -> F:
    """Add these options to a command, in this order."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
