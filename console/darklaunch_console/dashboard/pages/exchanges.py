"""The page of recorded exchanges, the latest first, by endpoint, outcome, time, mismatch, trace or id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from darklaunch_comparator.store.browse_queries import (
    ExchangeFilter,
    ExchangeRows,
    find_traced_exchanges,
    list_endpoints,
    list_exchanges,
)
from darklaunch_comparator.store.group_queries import read_group
from darklaunch_comparator.store.report_queries import ResultRow, read_result

from darklaunch_console.dashboard.queries import Query, change_query, read_cursor, read_value, write_cursor
from darklaunch_console.errors import BadUsage
from darklaunch_console.output.screen import make_printable
from darklaunch_console.output.text import format_plural
from darklaunch_console.reports.time_range import TimeRange, parse_time_range
from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import Connection

OUTCOMES: Final = ("matched", "mismatched", "ignored", "unverified", "shadow_error", "dead", "dropped", "slow")
PAGE: Final = 100
SUGGESTED: Final = 20

_EXCHANGE_ID: Final = re.compile(r"[0-9A-Za-z]{1,40}:[0-9]{1,19}")
_TRACE: Final = re.compile(r"[0-9A-Za-z_.:=-]{8,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangesPage:
    """One page of exchanges.

    answer     the sentence that the page opens with
    query      the filters as they were chosen
    suggested  endpoints to choose from, if the one given is not the name of any
    following  the query of the next page, "" if there is none
    span       what the filter says about time
    """

    launch: str
    answer: str
    query: Query
    rows: tuple[ResultRow, ...]
    suggested: tuple[str, ...] = ()
    following: str = ""
    span: TimeRange


def read_exchanges(connection: Connection, name: str, query: Query, now: datetime) -> ExchangesPage:
    """Read the page of exchanges that a query asks for. Raises NoSuchLaunch, and BadUsage for a bad filter."""
    read_launch_record(connection, name)
    span = parse_time_range(read_value(query, "since"), read_value(query, "until"), now)
    outcome = read_value(query, "outcome").replace(" ", "_")
    if outcome and outcome not in OUTCOMES:
        raise BadUsage(f"outcome {outcome[:40]!r} is none of {', '.join(OUTCOMES)}")
    if wanted := read_value(query, "find"):
        rows = _find_rows(connection, name, wanted)
        number = format_plural(len(rows), "exchange") if rows else "No exchange"
        answer = f"{number} with “{make_printable(wanted, 80)}” as id or in the request."
        return ExchangesPage(launch=name, answer=answer, query=query, rows=tuple(rows), span=span)
    endpoint = read_value(query, "endpoint")
    if endpoint:
        near = list_endpoints(connection, name, endpoint, SUGGESTED)
        if endpoint not in near and (len(near) != 1):
            what = "Several endpoints have" if near else "No endpoint has"
            answer = f"{what} “{make_printable(endpoint, 80)}” in the name."
            return ExchangesPage(launch=name, answer=answer, query=query, rows=(), suggested=tuple(near), span=span)
        endpoint = endpoint if endpoint in near else near[0]
    chosen = ExchangeFilter(
        endpoint=endpoint or None,
        outcome=outcome,
        signature=read_value(query, "group") or None,
        since=span.since,
        until=span.until,
        before=read_cursor(query, "before"),
    )
    chosen = _narrow_to_group(connection, name, chosen)
    found = list_exchanges(connection, name, chosen, PAGE)
    return ExchangesPage(
        launch=name,
        answer=_describe(found, query),
        query=query,
        rows=tuple(found.rows),
        following=_link_following(found, query),
        span=span,
    )


def _narrow_to_group(connection: Connection, name: str, chosen: ExchangeFilter) -> ExchangeFilter:
    """Return a filter with what is known of the exchanges of its group, so that fewer are looked at."""
    group = read_group(connection, name, chosen.signature) if chosen.signature else None
    if group is None or group.outcome == "slow":
        return chosen
    return ExchangeFilter(
        endpoint=chosen.endpoint or group.endpoint,
        outcome=chosen.outcome or group.outcome,
        signature=chosen.signature,
        since=max(filter(None, (chosen.since, group.first_seen))),
        until=chosen.until,
        before=chosen.before,
    )


def _find_rows(connection: Connection, name: str, wanted: str) -> list[ResultRow]:
    """Return the rows of an exchange by its id, or of kept ones with a text in their request's header fields."""
    if _EXCHANGE_ID.fullmatch(wanted):
        row = read_result(connection, name, wanted)
        return [row] if row else []
    if not _TRACE.fullmatch(wanted):
        raise BadUsage(
            f"{make_printable(wanted, 60)!r} is neither the id of an exchange (7f3a90bc:118) nor a trace id: write at "
            "least 8 letters, digits and - _ . : ="
        )
    found = find_traced_exchanges(connection, name, wanted, PAGE)
    rows = [read_result(connection, name, identity) for identity, _ in found]
    return [row for row in rows if row]


def _describe(found: ExchangeRows, query: Query) -> str:
    filtered = any(value for filter_name, value in query.items() if filter_name != "before")
    if not found.rows:
        searched = "so far" if found.searched_to else "recorded"
        return f"No exchange matches the filter {searched}." if filtered else "No exchange is recorded yet."
    number = format_plural(len(found.rows), "exchange")
    which = " that match the filter" if filtered else ""
    if read_value(query, "before"):
        return f"{number} before those{which}."
    return f"The latest {number}{which}." if found.more else f"{number}{which}, the latest first."


def _link_following(found: ExchangeRows, query: Query) -> str:
    if found.more:
        last = found.rows[-1]
        return change_query(query, before=write_cursor(last.captured_at, last.exchange_id))
    if found.searched_to:
        return change_query(query, before=write_cursor(found.searched_to, ""))
    return ""
