"""`doctor`: is everything fit, and if not, what to do."""

from __future__ import annotations

from dataclasses import asdict

import click
from darklaunch_comparator.store.launches import LaunchRecord, list_launches
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus
from darklaunch_shared.redis.client import RedisClient

from darklaunch_console.doctor.check_keys import check_keys
from darklaunch_console.doctor.check_launches import check_agreement, check_backlogs, check_shadows
from darklaunch_console.doctor.check_postgres import check_postgres
from darklaunch_console.doctor.check_processes import check_processes
from darklaunch_console.doctor.check_redis import check_redis
from darklaunch_console.doctor.check_result import CheckLevel, CheckResult, fail
from darklaunch_console.errors import EXIT_FAILED, BadUsage, ConsoleError, ServerUnreachable
from darklaunch_console.output.screen import BAD, GOOD, WARN, json_option, print_json, print_line, style_text
from darklaunch_console.output.text import escape_unprintable, format_plural, join_lines
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import name_postgres, name_redis, open_postgres, open_redis, require_database
from darklaunch_console.stores.processes import list_live_comparators, list_live_hooks, list_live_workers
from darklaunch_console.stores.streams import (
    read_captured_origins,
    read_published_launches,
    read_recorded_origins,
    read_streams,
)

STYLE = {CheckLevel.OK: GOOD, CheckLevel.WARN: WARN, CheckLevel.FAIL: BAD}


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, in_json: bool) -> None:
    """Check Redis, Postgres, the processes and every launch, and say what to do about what is wrong.

    Exit code 1 when something does not work; a warning alone is no failure.
    """
    found = examine(ctx.obj)
    broken = [finding for finding in found if finding.level is CheckLevel.FAIL]
    if in_json:
        print_json({"ok": not broken, "checks": [asdict(finding) for finding in found]})
    else:
        _tell(found)
    ctx.exit(EXIT_FAILED if broken else 0)


def examine(settings: ConsoleSettings) -> list[CheckResult]:
    """Make every check that can be made; a server that cannot be reached fails its own and leaves out what needs it."""
    found: list[CheckResult] = []
    records: list[LaunchRecord] | None = None
    origins: set[str] = set()
    about_postgres: list[CheckResult] = []
    try:
        with open_postgres(settings) as connection:
            about_postgres = check_postgres(connection, name_postgres(require_database(settings)))
            if not any(finding.level is CheckLevel.FAIL for finding in about_postgres):
                records = list_launches(connection)
                origins = read_recorded_origins(connection)
    except (ServerUnreachable, BadUsage, ConsoleError) as away:
        about_postgres.append(_broken(away))
    try:
        with open_redis(settings) as redis:
            found += check_redis(redis, name_redis(settings.redis_or_default))
            found += about_postgres
            found += _check_rest(redis, records, origins)
    except (ServerUnreachable, BadUsage) as away:
        found = [*found, _broken(away), *(about_postgres if about_postgres[0] not in found else ())]
    return found


def _check_rest(redis: RedisClient, records: list[LaunchRecord] | None, origins: set[str]) -> list[CheckResult]:
    copies: dict[str, LaunchState] = read_published_launches(redis)
    active = any(state.status is LaunchStatus.ACTIVE and not state.hold for state in copies.values())
    hooks, workers = list_live_hooks(redis), list_live_workers(redis)
    found = check_processes(hooks, workers, list_live_comparators(redis), active=active)
    found += check_keys(copies.values(), hooks, workers)
    if records is not None:
        found += check_agreement(records, copies)
    found += check_shadows(copies.values(), {*origins, *read_captured_origins(redis)})
    found += check_backlogs({name: (state, read_streams(redis, state)) for name, state in copies.items()})
    return found


def _broken(away: ConsoleError) -> CheckResult:
    what, _, do = str(away).partition(". ")
    return fail(what, join_lines(do) if do else "See its log.")


def _tell(found: list[CheckResult]) -> None:
    broken = sum(finding.level is CheckLevel.FAIL for finding in found)
    warned = sum(finding.level is CheckLevel.WARN for finding in found)
    warnings = f", {format_plural(warned, 'warning')}" if warned else ""
    if broken:
        print_line(
            f"{format_plural(broken, 'thing')} of {len(found)} {'does' if broken == 1 else 'do'} not work{warnings}.",
            style=BAD,
        )
    else:
        print_line(f"Everything works: {len(found)} checks{warnings}.", style=WARN if warned else GOOD)
    for finding in found:
        print_line(f"{style_text(f'{finding.level:<5}', STYLE[finding.level])} {escape_unprintable(finding.what)}")
        if finding.do:
            print_line(f"      {escape_unprintable(finding.do)}")
