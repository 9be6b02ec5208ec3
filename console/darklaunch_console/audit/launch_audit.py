"""The audit of one launch: what it reads from Redis and Postgres, and the account that follows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import psycopg
from darklaunch_comparator.results.result import OUTCOMES
from darklaunch_comparator.store.audit_rows import RowCounts, count_result_rows, read_last_before_gap
from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.redis.client import RedisClient

from darklaunch_console.stores.postgres import Connection
from darklaunch_console.stores.processes import list_live_hooks
from darklaunch_console.stores.streams import StreamsState, read_streams

from .balance import LaunchAccount, compute_account
from .producer_table import producers_to_json
from .reader import count_uninvited, read_record_snapshot, read_shard_snapshot, sum_script_counters
from .stream_entries import StreamEntries, sum_entries
from .strict import StrictAudit, audit_rows

COUNT_S: Final = 5.0
"""Longest time for counting the entries on the streams, and the rows where nobody asked for a strict audit."""
RECORDED_OUTCOMES: Final = tuple(outcome for outcome in OUTCOMES if outcome != "dropped")
"""The outcomes of exchanges that got as far as the record; those that were dropped are counted by reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchAudit:
    """What an audit found.

    entries  what the streams hold, by their own count if they could not be counted one by one
    strict   what reading every row showed; None if nobody asked
    counts   the rows by producer, outcome and reason; None if that took too long
    where    how many exchanges are missing between which two stages, {} when none is
    uninvited  how many entries on its streams no part of darklaunch has written
    since    when the last exchange before the first missing one was captured, "" if that is not known
    """

    launch: str
    account: LaunchAccount
    entries: StreamEntries
    strict: StrictAudit | None
    counts: RowCounts | None
    where: Mapping[str, int]
    since: str
    uninvited: int

    @property
    def passed(self) -> bool:
        """True if the account balances, and in a strict audit nothing is on its way and the rows agree with it."""
        if self.strict is None:
            return self.account.balanced
        return self.account.balanced and not self.account.on_its_way and self.strict.sound


def audit_launch(
    redis: RedisClient, connection: Connection, state: LaunchState, *, strict_within_s: float | None
) -> LaunchAudit:
    """Audit a launch; `strict_within_s` also reads every row, for at most so many seconds."""
    name = state.name
    account = read_account(redis, connection, state)
    entries = account.entries or _read_entries(read_streams(redis, state))
    strict = None if strict_within_s is None else audit_rows(connection, name, strict_within_s)
    counts = _count_rows(connection, name) if strict is None else strict.rows.counts if strict.rows else None
    where: dict[str, int] = {}
    since = ""
    if not account.balanced:
        where = locate_losses(account, sum_script_counters(redis, name, state.spec.shards))
        since = _find_last_before_gap(connection, name, account)
    return LaunchAudit(
        launch=name,
        account=account,
        entries=entries,
        strict=strict,
        counts=counts,
        where=where,
        since=since,
        uninvited=count_uninvited(redis, name, state.spec.shards),
    )


def read_account(redis: RedisClient, connection: Connection, state: LaunchState) -> LaunchAccount:
    """Return the account of a launch: the record, then Redis, then the record again."""
    before = read_record_snapshot(connection, state.name)
    until_s = time.monotonic() + COUNT_S
    shards = [read_shard_snapshot(redis, state.name, shard, until_s) for shard in range(state.spec.shards)]
    alive = frozenset(process.id for process in list_live_hooks(redis))
    return compute_account(before, shards, read_record_snapshot(connection, state.name), alive)


def locate_losses(account: LaunchAccount, counters: Mapping[str, int]) -> dict[str, int]:
    """Return how many exchanges are missing between which two stages, as far as the scripts' counters show."""
    written = sum(producer.recorded + producer.missing for producer in account.producers)
    admitted = counters.get("admitted", 0) + counters.get("retried", 0)
    taken_off = sum(counters.get(counter, 0) for counter in ("replayed", "dropped", "dead", "foreign", "repeated"))
    unknown_to_redis = max(0, written - counters.get("admitted", 0))
    off_captures = max(0, admitted - account.captures - taken_off)
    stages = {
        "written by the hooks, unknown to Redis": unknown_to_redis,
        "on captures, then neither there nor taken off it": off_captures,
        "taken off while no longer on the stream (lost_pel)": counters.get("lost_pel", 0),
        "recorded rows by outcome against rows by producer": abs(account.disagreement),
        "on replays, then neither there nor recorded": account.lost - unknown_to_redis - off_captures,
    }
    return {stage: number for stage, number in stages.items() if number > 0}


def audit_to_json(audit: LaunchAudit) -> dict[str, Any]:
    """Return all that an audit found as JSON values."""
    account = audit.account
    return {
        "launch": audit.launch,
        "balanced": account.balanced,
        "ok": audit.passed,
        "sampled": account.sampled,
        "settled": account.finished,
        "on_its_way": account.on_its_way,
        "lost": account.lost,
        "killed": account.killed,
        "outcomes": {outcome: account.outcomes.get(outcome, 0) for outcome in RECORDED_OUTCOMES},
        "dropped": account.dropped,
        "in_buffers": account.buffered,
        "on_captures": account.captures,
        "on_replays": account.replays,
        "disagreement": account.disagreement,
        "where": audit.where,
        "since": audit.since or None,
        "uninvited": audit.uninvited,
        **asdict(audit.entries),
        "producers": producers_to_json(account, audit.counts),
        "foreign_entries": account.foreign_entries,
        **(audit.strict.to_json() if audit.strict else {}),
    }


def _read_entries(streams: StreamsState) -> StreamEntries:
    """Return what the streams hold by their own count, a moment later."""
    return sum_entries(
        StreamEntries(
            shard.captures.waiting,
            shard.captures.in_flight,
            shard.replays.waiting,
            shard.replays.in_flight,
            shard.dead,
        )
        for shard in streams.shards
    )


def _count_rows(connection: Connection, name: str) -> RowCounts | None:
    try:
        return count_result_rows(connection, name, COUNT_S)
    except psycopg.errors.QueryCanceled:
        connection.rollback()
        return None


def _find_last_before_gap(connection: Connection, name: str, account: LaunchAccount) -> str:
    worst = max(account.producers, key=lambda producer: producer.missing, default=None)
    captured_at = read_last_before_gap(connection, name, worst.producer) if worst and worst.missing else None
    return captured_at.astimezone().isoformat(sep=" ", timespec="seconds") if captured_at else ""
