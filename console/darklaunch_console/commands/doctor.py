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
from darklaunch_console.output.screen import BAD, GOOD, WARN, json_option, paint, say, say_json
from darklaunch_console.output.text import one_line, plural, printable
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import named_database, open_postgres, open_redis, postgres_at, redis_at
from darklaunch_console.stores.processes import comparators_alive, hooks_alive, workers_alive
from darklaunch_console.stores.streams import captured_origins, published_launches, read_launch, recorded_origins

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
        say_json({"ok": not broken, "checks": [asdict(finding) for finding in found]})
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
            about_postgres = check_postgres(connection, postgres_at(named_database(settings)))
            if not any(finding.level is CheckLevel.FAIL for finding in about_postgres):
                records = list_launches(connection)
                origins = recorded_origins(connection)
    except (ServerUnreachable, BadUsage, ConsoleError) as away:
        about_postgres.append(_broken(away))
    try:
        with open_redis(settings) as redis:
            found += check_redis(redis, redis_at(settings.redis_or_default))
            found += about_postgres
            found += _check_rest(redis, records, origins)
    except (ServerUnreachable, BadUsage) as away:
        found = [*found, _broken(away), *(about_postgres if about_postgres[0] not in found else ())]
    return found


def _check_rest(redis: RedisClient, records: list[LaunchRecord] | None, origins: set[str]) -> list[CheckResult]:
    copies: dict[str, LaunchState] = published_launches(redis)
    active = any(state.status is LaunchStatus.ACTIVE and not state.hold for state in copies.values())
    hooks, workers = hooks_alive(redis), workers_alive(redis)
    found = check_processes(hooks, workers, comparators_alive(redis), active=active)
    found += check_keys(copies.values(), hooks, workers)
    if records is not None:
        found += check_agreement(records, copies)
    found += check_shadows(copies.values(), {*origins, *captured_origins(redis)})
    found += check_backlogs({name: (state, read_launch(redis, state)) for name, state in copies.items()})
    return found


def _broken(away: ConsoleError) -> CheckResult:
    what, _, do = str(away).partition(". ")
    return fail(what, one_line(do) if do else "See its log.")


def _tell(found: list[CheckResult]) -> None:
    broken = sum(finding.level is CheckLevel.FAIL for finding in found)
    warned = sum(finding.level is CheckLevel.WARN for finding in found)
    warnings = f", {plural(warned, 'warning')}" if warned else ""
    if broken:
        say(
            f"{plural(broken, 'thing')} of {len(found)} {'does' if broken == 1 else 'do'} not work{warnings}.",
            style=BAD,
        )
    else:
        say(f"Everything works: {len(found)} checks{warnings}.", style=WARN if warned else GOOD)
    for finding in found:
        say(f"{paint(f'{finding.level:<5}', STYLE[finding.level])} {printable(finding.what)}")
        if finding.do:
            say(f"      {printable(finding.do)}")
