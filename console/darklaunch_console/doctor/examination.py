"""All checks of the doctor, in the order in which they are printed."""

from __future__ import annotations

from dataclasses import dataclass, field

from darklaunch_comparator.control.installation import locate_redis, read_redis_identity
from darklaunch_comparator.store.installation import Installation, read_installation
from darklaunch_comparator.store.judgements import read_outages
from darklaunch_comparator.store.launches import LaunchRecord, list_launches
from darklaunch_comparator.store.route_tables import read_routes
from darklaunch_comparator.store.server import check_sessions
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus
from darklaunch_shared.redis.client import RedisClient

from darklaunch_console.errors import ConsoleError
from darklaunch_console.launches.idle_filters import explain_idle_filters
from darklaunch_console.output.text import join_lines
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import Connection, name_postgres, open_postgres, require_database
from darklaunch_console.stores.processes import list_live_comparators, list_live_hooks, list_live_workers
from darklaunch_console.stores.redis import name_redis, open_redis
from darklaunch_console.stores.streams import (
    read_captured_origins,
    read_published_launches,
    read_recorded_origins,
    read_streams,
    read_unknown_holds,
)

from .check_apps import check_apps
from .check_installation import check_installation
from .check_keys import check_keys
from .check_launches import (
    check_agreement,
    check_backlogs,
    check_filters,
    check_holds,
    check_shadows,
    check_webhooks,
)
from .check_postgres import check_postgres
from .check_processes import check_processes
from .check_redis import check_redis
from .check_result import CheckLevel, CheckResult, fail


@dataclass(frozen=True, slots=True)
class _RecordedState:
    """What Postgres knows.

    records  the launches; None if Postgres is not usable
    origins  where exchanges were captured lately
    outages  by launch, why its shadow is down
    idle     by launch, why no request passes its filters
    """

    records: list[LaunchRecord] | None = None
    origins: set[str] = field(default_factory=set[str])
    outages: dict[str, str] = field(default_factory=dict[str, str])
    installation: Installation | None = None
    idle: dict[str, str] = field(default_factory=dict[str, str])


def run_checks(settings: ConsoleSettings) -> list[CheckResult]:
    """Run every check that can be run. A server that cannot be reached fails its own and omits those that need it."""
    postgres_results, recorded = _check_postgres(settings)
    redis_results: list[CheckResult] = []
    try:
        with open_redis(settings) as redis:
            redis_results = check_redis(redis, name_redis(settings.redis_or_default))
            return [*redis_results, *postgres_results, *_check_pipeline(redis, recorded)]
    except ConsoleError as unreachable:
        return [*redis_results, _explain_unreachable(unreachable), *postgres_results]


def _check_postgres(settings: ConsoleSettings) -> tuple[list[CheckResult], _RecordedState]:
    """Return the results about Postgres, and what it knows."""
    results: list[CheckResult] = []
    try:
        with open_postgres(settings) as connection:
            results = check_postgres(connection, name_postgres(require_database(settings)))
            check_sessions(require_database(settings).url)
            if any(result.level is CheckLevel.FAIL for result in results):
                return results, _RecordedState()
            records = list_launches(connection)
            return results, _RecordedState(
                records,
                read_recorded_origins(connection),
                read_outages(connection),
                read_installation(connection),
                _find_idle(connection, records),
            )
    except ConsoleError as unreachable:
        return [*results, _explain_unreachable(unreachable)], _RecordedState()


def _find_idle(connection: Connection, records: list[LaunchRecord]) -> dict[str, str]:
    """Return, by launch, why no request passes the filters of one that mirrors."""
    mirroring = [record.state for record in records if record.state.fraction > 0]
    reasons = {
        state.name: explain_idle_filters(state.spec, read_routes(connection, state.spec.app)[0]) for state in mirroring
    }
    return {name: why for name, why in reasons.items() if why}


def _check_pipeline(redis: RedisClient, recorded: _RecordedState) -> list[CheckResult]:
    copies: dict[str, LaunchState] = read_published_launches(redis)
    active = any(state.status is LaunchStatus.ACTIVE and not state.hold for state in copies.values())
    hooks, workers, comparators = list_live_hooks(redis), list_live_workers(redis), list_live_comparators(redis)
    results = check_processes(hooks, workers, comparators, active=active)
    if recorded.installation is not None:
        results += check_installation(recorded.installation, read_redis_identity(redis), locate_redis(redis))
    results += check_apps(copies.values(), hooks)
    results += check_keys(copies.values(), hooks, workers)
    if recorded.records is not None:
        results += check_agreement(recorded.records, copies)
    origins = {*recorded.origins, *read_captured_origins(redis)}
    results += check_shadows(copies.values(), origins, recorded.outages, {hook.id for hook in hooks})
    results += check_filters(recorded.idle)
    results += check_holds(read_unknown_holds(redis), sorted(copies))
    results += check_webhooks(copies.values(), comparators)
    results += check_backlogs({name: (state, read_streams(redis, state)) for name, state in copies.items()})
    return results


def _explain_unreachable(error: ConsoleError) -> CheckResult:
    what, _, remedy = str(error).partition(". ")
    return fail(what, join_lines(remedy) if remedy else "See its log.")
