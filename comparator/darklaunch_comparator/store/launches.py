"""Launches and their history in Postgres, the record of launch states. `publish_launch` copies them to Redis.

Each change draws a new revision and writes its event in the same transaction.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast

import orjson
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.spec import (
    LaunchSpec,
    LaunchState,
    LaunchStatus,
    check_name,
    check_percent,
    pack_spec,
    unpack_spec,
)
from psycopg import Connection

from darklaunch_comparator.errors import LaunchChanged, LaunchExists, LaunchUnknown
from darklaunch_comparator.results.storable import storable_json, storable_text

from .sql import load

_SQL = load("launches")


@dataclass(frozen=True, slots=True)
class LaunchRecord:
    """A launch as recorded. `lifted_revision` is the latest revision that lifted a hold."""

    state: LaunchState
    lifted_revision: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class LaunchEvent:
    """One act on a launch: who did what, when and why, and the revision that resulted."""

    id: int
    launch: str
    at: datetime
    actor: str
    act: str
    reason: str
    revision: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LaunchAct:
    """Who changes a launch and why. `act` is a past participle (`started`, `rolled_back`); `at` defaults to now."""

    actor: str
    act: str
    reason: str = ""
    at: datetime | None = None
    data: Mapping[str, object] | None = None


def create_launch(
    connection: Connection[Any],
    name: str,
    spec: LaunchSpec,
    act: LaunchAct,
    *,
    percent: float,
    status: LaunchStatus = LaunchStatus.ACTIVE,
    above: int = 0,
) -> LaunchRecord:
    """Record a new launch and its first event. `above` is a revision to exceed, that on Redis if there is one.

    Raises BadLaunch for a bad name, percentage or specification, and LaunchExists.
    """
    values = {
        "name": check_name(name),
        "status": status.value,
        "percent": check_percent(percent),
        "spec": _pack_spec(spec),
        "above": above,
    }
    with connection.transaction():
        row = connection.execute(_SQL["create"], values).fetchone()
        if row is None:
            raise LaunchExists(f'There is a launch "{name}" already. Choose another name, or resume that one.')
        record = _build_record(row)
        changes: dict[str, object] = {"status": status.value, "percent": percent, "spec": asdict(spec)}
        _add_event(connection, record, act, changes)
    return record


def update_launch(
    connection: Connection[Any],
    name: str,
    act: LaunchAct,
    *,
    status: LaunchStatus | None = None,
    percent: float | None = None,
    spec: LaunchSpec | None = None,
    hold: bool | None = None,
    above: int = 0,
    only_at: int | None = None,
) -> LaunchRecord:
    """Change what is given, and record an event with the changes. `hold=False` lifts a hold, on Redis once published.

    `only_at` is the revision that the decision is based on. Raises BadLaunch for a bad percentage or specification,
    LaunchUnknown, and LaunchChanged when the launch has another revision by now.
    """
    with connection.transaction():
        row = connection.execute(_SQL["lock"], {"name": name}).fetchone()
        if row is None:
            raise LaunchUnknown(f'There is no launch "{name}".')
        before = _build_record(row).state
        if only_at not in (None, before.revision):
            raise LaunchChanged(f'The launch "{name}" was changed meanwhile. Look at it again, then decide.')
        values = {
            "name": name,
            "status": (status or before.status).value,
            "percent": before.percent if percent is None else check_percent(percent),
            "spec": _pack_spec(spec or before.spec),
            "hold": before.hold if hold is None else hold,
            "lift": hold is False,
            "above": max(above, before.revision),
        }
        record = _build_record(connection.execute(_SQL["update"], values).fetchone())
        _add_event(connection, record, act, _describe_changes(before, record.state))
    return record


def record_launch_event(connection: Connection[Any], record: LaunchRecord, act: LaunchAct) -> int:
    """Record an event that does not change the launch. Return its id."""
    return _add_event(connection, record, act, {})


def get_launch(connection: Connection[Any], name: str) -> LaunchRecord:
    """Read one launch. Raises LaunchUnknown, and BadLaunch when its specification is damaged."""
    row = connection.execute(_SQL["get"], {"name": name}).fetchone()
    if row is None:
        raise LaunchUnknown(f'There is no launch "{name}".')
    return _build_record(row)


def list_launches(connection: Connection[Any]) -> list[LaunchRecord]:
    """Read every launch, by name. Launches with a damaged specification are left out."""
    records: list[LaunchRecord] = []
    for row in connection.execute(_SQL["list"]):
        try:
            records.append(_build_record(row))
        except BadLaunch:
            continue
    return records


def list_events(connection: Connection[Any], name: str, limit: int = 50) -> list[LaunchEvent]:
    """Read a launch's latest events, the latest first."""
    return [LaunchEvent(*row) for row in connection.execute(_SQL["events"], {"launch": name, "limit": limit})]


def list_all_events(
    connection: Connection[Any], *, launch: str | None, act: str | None, before: int | None, limit: int
) -> list[LaunchEvent]:
    """Read the events of all launches or one, of all kinds or one, that came before an event; the latest first."""
    values = {"launch": launch, "act": act, "before": before, "limit": limit}
    return [LaunchEvent(*row) for row in connection.execute(_SQL["all_events"], values)]


def list_acts(connection: Connection[Any]) -> list[str]:
    """Read which kinds of events there are, by name."""
    return [act for (act,) in connection.execute(_SQL["acts"])]


def read_change_marks(connection: Connection[Any]) -> dict[str, str]:
    """Read a text for each launch that differs whenever anything about it was recorded, judged or decided."""
    return {str(name): str(mark) for name, mark in connection.execute(_SQL["change_marks"])}


def read_latest_ending(connection: Connection[Any], name: str) -> LaunchEvent | None:
    """Read the latest event that promoted or rolled back a launch; None when there is none."""
    row = connection.execute(_SQL["ending"], {"launch": name}).fetchone()
    return None if row is None else LaunchEvent(*row)


def _build_record(row: Any) -> LaunchRecord:
    name, status, percent, hold, revision, spec, lifted_revision, created_at, updated_at = row
    state = LaunchState(name, LaunchStatus(status), percent, hold, revision, unpack_spec(spec))
    return LaunchRecord(state, lifted_revision, created_at, updated_at)


def _pack_spec(spec: LaunchSpec) -> str:
    try:
        packed = pack_spec(spec).decode()
    except TypeError as broken:
        raise BadLaunch(f"the launch's specification cannot be kept: {broken}") from None
    if "\\u0000" in packed:
        raise BadLaunch("the launch's specification contains a NUL character")
    return packed


def _describe_changes(before: LaunchState, after: LaunchState) -> dict[str, object]:
    pairs: dict[str, tuple[object, object]] = {
        "status": (before.status.value, after.status.value),
        "percent": (before.percent, after.percent),
        "hold": (before.hold, after.hold),
    }
    old, new = cast(dict[str, object], asdict(before.spec)), cast(dict[str, object], asdict(after.spec))
    pairs |= {name: (old[name], new[name]) for name in old if name != "rules"}
    changes: dict[str, object] = {name: {"from": was, "to": now} for name, (was, now) in pairs.items() if was != now}
    if before.spec.rules != after.spec.rules:
        changes["rules"] = _compare_rules(before.spec.rules, after.spec.rules)
    return changes


def _compare_rules(before: str, after: str) -> dict[str, object]:
    """Return the rules that were added and removed, each in full with its kind; one text of all rules would be cut."""
    was, now = _parse_rules(before), _parse_rules(after)
    return {"added": [rule for rule in now if rule not in was], "removed": [rule for rule in was if rule not in now]}


def _parse_rules(text: str) -> list[dict[str, object]]:
    rules: dict[str, list[dict[str, object]]] = orjson.loads(text) if text else {}
    return [{"kind": kind, **rule} for kind, held in rules.items() for rule in held]


def _add_event(connection: Connection[Any], record: LaunchRecord, act: LaunchAct, changes: dict[str, object]) -> int:
    values = {
        "launch": record.state.name,
        "at": act.at,
        "actor": storable_text(act.actor, 200),
        "act": storable_text(act.act, 60),
        "reason": storable_text(act.reason, 1000),
        "revision": record.state.revision,
        "data": storable_json({**changes, **(act.data or {})}),
    }
    row = connection.execute(_SQL["add_event"], values).fetchone()
    assert row is not None
    return int(row[0])
