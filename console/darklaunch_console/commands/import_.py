"""`import`: mirror recorded requests."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict

import anyio
import click
from darklaunch_shared.launch.origin import parse_origin

from darklaunch_console.cli.arguments import launch_argument
from darklaunch_console.errors import BadUsage
from darklaunch_console.output.screen import json_option, print_json, print_line, print_styled, print_warning
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.redis import open_redis
from darklaunch_console.stores.streams import read_published_launch
from darklaunch_console.traffic_files.import_files import (
    ImportedFile,
    ImportOptions,
    check_recorded,
    import_file,
    preview_files,
)
from darklaunch_console.traffic_files.import_progress import show_import_progress
from darklaunch_console.traffic_files.import_text import render_imported, render_preview
from darklaunch_console.traffic_files.traffic_file import FORMATS


def read_speed(ctx: click.Context, param: click.Parameter, value: str) -> float:
    """Read `max`, `1x`, `10x` or `50%` as a factor, 0 for max."""
    if value == "max":
        return 0.0
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(x|%)", value)
    factor = float(match[1]) / (100 if match[2] == "%" else 1) if match else 0.0
    if not 0.001 <= factor <= 1000:
        raise click.BadParameter(f"{value!r} is no speed: write max, 1x, 10x or 50%", ctx, param)
    return factor


@click.command(name="import")
@launch_argument
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--format", "kind", type=click.Choice([*FORMATS]), help="Format of the files.  [default: by their content]"
)
@click.option(
    "--origin", default="", metavar="URL", help="Mirror requests to this origin only.  [default: that of the first]"
)
@click.option(
    "--primary", metavar="URL", help="Ask this server for the responses that are not in the file; reads only."
)
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=4, show_default=True, help="Requests it gets at once."
)
@click.option(
    "--speed",
    callback=read_speed,
    default="max",
    metavar="SPEED",
    help="max, 1x as recorded, 10x, 50%.  [default: max]",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Read no more than N requests of each file.")
@click.option("--again", is_flag=True, help="Import files once more that were imported into this launch.")
@click.option("--dry-run", is_flag=True, help="Print what the files hold, and send nothing.")
@json_option
@click.pass_obj
def import_(
    settings: ConsoleSettings,
    /,
    name: str,
    files: tuple[str, ...],
    kind: str | None,
    origin: str,
    primary: str | None,
    concurrency: int,
    speed: float,
    limit: int | None,
    again: bool,
    dry_run: bool,
    in_json: bool,
) -> None:
    """Mirror the requests of traffic files to the shadow of a launch that was started with --recorded.

    Files: HAR of browsers and proxies, JSON Lines, GoReplay's, access logs of nginx, Apache or Caddy; compressed with
    gzip or not; - is stdin. An import that was interrupted goes on where it stood.

    \b
      darklaunch start shop-v2 --recorded --shadow http://10.0.3.7:8000
      darklaunch import shop-v2 monday.har
      darklaunch import shop-v2 access.log.gz --primary http://10.0.3.6:8000
    """
    options = ImportOptions(
        kind=kind or "",
        origin=str(parse_origin(origin, "origin")) if origin else "",
        primary=parse_origin(primary, "primary") if primary else None,
        slots=concurrency,
        speed=speed,
        limit=limit or 0,
        again=again,
    )
    if dry_run:
        previews = list(preview_files(files, options))
        if in_json:
            print_json([_preview_as_json(*preview) for preview in previews])
        else:
            print_styled(line for preview in previews for line in render_preview(*preview))
        return
    imported: list[ImportedFile] = []
    with open_redis(settings) as redis:
        state = read_published_launch(redis, name)
        check_recorded(state)
        if options.primary is not None and str(options.primary) == state.spec.shadow:
            raise BadUsage(f"--primary {options.primary} is the launch's shadow: it would be compared with itself")
        for path in files:
            with show_import_progress(path, wanted=not in_json) as on_progress:
                imported.append(
                    anyio.run(import_file, redis, settings.redis_or_default.url, state, path, options, on_progress)
                )
            if not in_json:
                print_styled(render_imported(imported[-1], name))
                for failure, count in imported[-1].failures.items():
                    print_warning(f"the primary gave no response to {count:,}: {failure}")
    if in_json:
        print_json([asdict(each) for each in imported])
    else:
        print_line(f"Next: darklaunch drain {name} && darklaunch report {name}")


def _preview_as_json(path: str, origins: Counter[str], first: list[str]) -> dict[str, object]:
    return {"file": path, "requests": origins.total(), "origins": dict(origins), "first": first}
