"""The duty of keeping Redis in step with what Postgres records of the launches.

Postgres is the record: a launch that Redis has lost, or has an older revision of, is published again. Only a hold (an
emergency stop) may be set on Redis alone; it is then recorded in Postgres once, with who set it and why.
"""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchStatus, is_held
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.publish import publish_launch
from darklaunch_shared.redis.script_calls import ScriptCall, call_script, write_even_if_full
from psycopg import Connection
from redis.exceptions import RedisError, ResponseError

from darklaunch_comparator.errors import LaunchChanged
from darklaunch_comparator.store.launches import LaunchAct, LaunchRecord, list_launches, update_launch

from .judge_actions import ACTOR

JUDGE_RECORDS_WITHIN_S: Final = 10.0
"""How long a rollback that one judge set on Redis and could not record is left for the next judge to record."""
_FIELDS: Final = (
    keys.STATE_REVISION,
    keys.STATE_HOLD,
    keys.STATE_HOLD_BY,
    keys.STATE_HOLD_WHY,
    keys.STATE_HOLD_AT,
    keys.STATE_HOLD_ACT,
)

log = logging.getLogger("darklaunch.comparator")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisLaunchCopy:
    """A launch as Redis has it.

    revision   −1 if there is none
    held       whether traffic is stopped; `by`, `why` and `at_ms` are who stopped it, why and when (epoch ms)
    act        what the hold stands for, such as `rolled_back`, until Postgres has recorded it; then ""
    """

    revision: int
    held: bool
    by: str
    why: str
    at_ms: str
    act: str

    @property
    def is_rollback(self) -> bool:
        """True if the hold stands for a rollback that is not recorded yet."""
        return self.act == "rolled_back"


class ControlSync:
    """Brings the copies on Redis in step with the records in Postgres, launch by launch."""

    def __init__(self) -> None:
        self._awaited_since_s: dict[tuple[str, str], float] = {}
        self._newer_copies: dict[str, tuple[int, int]] = {}
        self._logged_problems: dict[str, str] = {}

    def reconcile(self, connection: Connection[Any], redis: RedisClient) -> None:
        """Reconcile every recorded launch once. Launches that only Redis knows are left alone.

        A damaged hash is published again. Raises psycopg.Error and RedisError.
        """
        records = list_launches(connection)
        if not records:
            return
        if write_even_if_full(redis, "SADD", keys.LAUNCHES, *(record.state.name for record in records)):
            write_even_if_full(redis, "INCR", keys.REVISION)
        crash_point("leader.launches_listed")
        pipeline = redis.pipeline(transaction=False)
        for record in records:
            pipeline.execute_command("HMGET", keys.launch(record.state.name), *_FIELDS)
        for record, reply in zip(records, pipeline.execute(raise_on_error=False), strict=True):
            name, problem = record.state.name, ""
            try:
                if isinstance(reply, RedisError):
                    raise reply
                self._reconcile_launch(connection, redis, record, _parse_copy(reply))
            except ResponseError as error:
                problem = str(error)
            if problem and problem != self._logged_problems.get(name):
                log.error("launch %s: its state on Redis cannot be read or written: %s", name, problem)
            self._logged_problems[name] = problem

    def _reconcile_launch(
        self, connection: Connection[Any], redis: RedisClient, record: LaunchRecord, copy: RedisLaunchCopy
    ) -> None:
        name, revision = record.state.name, record.state.revision
        if copy.revision > revision:
            self._warn_of_newer_copy(record, copy)
        elif copy.revision < revision:
            if record.state.hold:
                _restore_hold(redis, record)
            lift = copy.revision >= 0 and copy.revision < record.lifted_revision
            crash_point("leader.publishing")
            if publish_launch(redis, record.state, lift_hold=lift):
                crash_point("leader.published")
                log.info("launch %s: published revision %d", name, revision)
        elif copy.held and _is_unrecorded(record, copy):
            if not self._awaits_judge(record, copy):
                _record_hold(connection, redis, record, copy)
        elif copy.held and copy.act:
            _mark_hold_recorded(redis, name, copy)
        elif record.state.hold and not copy.held and _restore_hold(redis, record):
            write_even_if_full(redis, "INCR", keys.REVISION)
            log.warning("launch %s: Redis had lost its hold; only `darklaunch resume` lifts one", name)

    def _awaits_judge(self, record: LaunchRecord, copy: RedisLaunchCopy) -> bool:
        """True while a rollback that one judge began and did not record is left to the judge of the present leader.

        That judge comes to the same decision from the same results, and records it with its evidence. If it does not
        within JUDGE_RECORDS_WITHIN_S, because results are gone for example, the hold is recorded as it stands.
        """
        if copy.by != ACTOR or not copy.is_rollback:
            return False
        since_s = self._awaited_since_s.setdefault((record.state.name, copy.at_ms), time.monotonic())
        return time.monotonic() - since_s < JUDGE_RECORDS_WITHIN_S

    def _warn_of_newer_copy(self, record: LaunchRecord, copy: RedisLaunchCopy) -> None:
        """Log a revision newer than the record's when seen twice in a row: once may be a change being published."""
        name = record.state.name
        revision, times_seen = self._newer_copies.get(name, (copy.revision, 0))
        times_seen = times_seen + 1 if revision == copy.revision else 1
        self._newer_copies[name] = copy.revision, times_seen
        if times_seen == 2:
            log.error(
                "launch %s: Redis has revision %d, Postgres only %d: another database publishes to this Redis, or this "
                "one was restored from a backup. Redis is left as it is until the launch is changed.",
                name,
                copy.revision,
                record.state.revision,
            )


def _parse_copy(reply: list[bytes | None]) -> RedisLaunchCopy:
    revision, hold, *texts = reply
    by, why, at_ms, act = ((value or b"").decode(errors="replace") for value in texts)
    return RedisLaunchCopy(
        revision=int(revision) if revision is not None and revision.isdigit() and len(revision) <= 18 else -1,
        held=is_held(hold),
        by=by,
        why=why,
        at_ms=at_ms,
        act=act,
    )


def _is_unrecorded(record: LaunchRecord, copy: RedisLaunchCopy) -> bool:
    return not record.state.hold or (copy.is_rollback and record.state.status is not LaunchStatus.ROLLED_BACK)


def _record_hold(connection: Connection[Any], redis: RedisClient, record: LaunchRecord, copy: RedisLaunchCopy) -> None:
    name = record.state.name
    act = LaunchAct(
        actor=copy.by or "unknown, on Redis",
        act="rolled_back" if copy.is_rollback else "held",
        reason=copy.why or "the hold was set on Redis",
        at=_parse_time(copy.at_ms),
    )
    status = LaunchStatus.ROLLED_BACK if copy.is_rollback else None
    try:
        held = update_launch(connection, name, act, status=status, hold=True, only_at=record.state.revision)
    except LaunchChanged:
        return  # the next call sees the changed launch and decides again
    crash_point("leader.hold_recorded")
    publish_launch(redis, held.state, lift_hold=False)
    _mark_hold_recorded(redis, name, copy)
    log.warning("launch %s: recorded the hold that %s set: %s", name, act.actor, act.reason)


def _mark_hold_recorded(redis: RedisClient, name: str, copy: RedisLaunchCopy) -> None:
    call_script(redis, ScriptCall("mark_hold_recorded", (keys.launch(name),), (copy.at_ms,)))


def _restore_hold(redis: RedisClient, record: LaunchRecord) -> bool:
    arguments = (record.state.revision, "Postgres records a hold")
    return bool(call_script(redis, ScriptCall("restore_hold", (keys.launch(record.state.name),), arguments)))


def _parse_time(at_ms: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(at_ms) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
