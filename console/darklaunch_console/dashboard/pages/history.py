"""The page of what was done: every event of every launch, who did it, why, what changed, and who was notified."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from darklaunch_comparator.store.deliveries import NotificationDelivery, read_deliveries_of
from darklaunch_comparator.store.launches import LaunchEvent, list_acts, list_all_events, list_launches

from darklaunch_console.dashboard.queries import Query, change_query, read_number, read_value
from darklaunch_console.output.numbers import format_seconds
from darklaunch_console.output.screen import make_printable
from darklaunch_console.reports.events import describe_delivery, describe_event, list_changes, list_reasons
from darklaunch_console.stores.postgres import Connection

PAGE: Final = 100
LAUNCHES: Final = 500
"""Launches that can be chosen."""
CHANGES: Final = 12
"""Changes of one event that are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One event in words; `reasons`, `changes` and `notifications` are lines."""

    event: LaunchEvent
    what: str
    reasons: tuple[str, ...]
    changes: tuple[str, ...]
    more_changes: int
    notifications: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HistoryDay:
    """The events of one day, the latest first."""

    title: str
    rows: tuple[HistoryRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """One page of events; `launches` and `acts` are those that can be chosen."""

    answer: str
    days: tuple[HistoryDay, ...]
    launch: str
    act: str
    launches: tuple[str, ...]
    acts: tuple[str, ...]
    following: str


def read_history(connection: Connection, query: Query, now: datetime) -> HistoryPage:
    """Read the page of events that a query asks for. Raises BadUsage for a bad filter."""
    launch, act = read_value(query, "launch"), read_value(query, "event")
    before = read_number(query, "before", 0)
    found = list_all_events(
        connection, launch=launch or None, act=act.replace(" ", "_") or None, before=before or None, limit=PAGE + 1
    )
    events = found[:PAGE]
    by_event = defaultdict[int, list[NotificationDelivery]](list)
    for delivery in read_deliveries_of(connection, [event.id for event in events]):
        by_event[delivery.event].append(delivery)
    return HistoryPage(
        answer=_describe(events, now, filtered=bool(launch or act), first=not before),
        days=tuple(_group_by_day(_build_rows(events, by_event), now)),
        launch=launch,
        act=act,
        launches=tuple(record.state.name for record in list_launches(connection)[:LAUNCHES]),
        acts=tuple(each.replace("_", " ") for each in list_acts(connection)),
        following=change_query(query, before=str(events[-1].id)) if len(found) > PAGE else "",
    )


def _build_rows(events: list[LaunchEvent], by_event: dict[int, list[NotificationDelivery]]) -> list[HistoryRow]:
    rows: list[HistoryRow] = []
    later: dict[str, LaunchEvent] = {}
    for event in events:
        changes = list(list_changes(event.data))
        rows.append(
            HistoryRow(
                event=event,
                what=describe_event(event),
                reasons=tuple(list_reasons(event, later.get(event.launch))),
                changes=tuple(changes[:CHANGES]),
                more_changes=max(0, len(changes) - CHANGES),
                notifications=tuple(describe_delivery(delivery) for delivery in by_event[event.id]),
            )
        )
        later[event.launch] = event
    return rows


def _group_by_day(rows: list[HistoryRow], now: datetime) -> list[HistoryDay]:
    days: dict[date, list[HistoryRow]] = {}
    for row in rows:
        days.setdefault(row.event.at.astimezone().date(), []).append(row)
    return [HistoryDay(_name_day(day, now.astimezone().date()), tuple(of_day)) for day, of_day in days.items()]


def _name_day(day: date, today: date) -> str:
    written = f"{day.day} {day:%B}" if day.year == today.year else f"{day.day} {day:%B %Y}"
    near = {0: "Today, ", 1: "Yesterday, "}.get((today - day).days, "")
    return near + written


def _describe(events: list[LaunchEvent], now: datetime, *, filtered: bool, first: bool) -> str:
    if not events:
        return "No event matches the filter." if filtered else "Nothing has been done yet."
    if not first:
        return "Earlier events, the latest first."
    latest = events[0]
    ago = format_seconds(round(max(0.0, (now - latest.at).total_seconds())))
    which = "of these " if filtered else ""
    what = f"{latest.launch} {describe_event(latest)} by {make_printable(latest.actor, 60)}"
    return f"The last {which}was {ago} ago: {what}."
