"""Keep Redis carrying what Postgres records of the launches, and record the emergency stops that were set on Redis.

Postgres is the record: a launch that Redis has lost or has an older revision of is published again. The one thing that
may be decided on Redis alone is a hold; it is taken over, once, with who set it and why.
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
from darklaunch_shared.redis.script_calls import ScriptCall, call_script, write_even_if_full
from psycopg import Connection
from redis.exceptions import RedisError, ResponseError

from darklaunch_comparator.control.publish import publish_launch
from darklaunch_comparator.errors import LaunchChanged
from darklaunch_comparator.store.launches import LaunchAct, LaunchRecord, list_launches, update_launch

from .judge_actions import ACTOR

JUDGE_RECORDS_WITHIN_S: Final = 10.0
"""How long a rollback that a judge did not get to record is left to the next one."""
_FIELDS: Final = (
    keys.STATE_REVISION,
    keys.STATE_HOLD,
    keys.STATE_HOLD_BY,
    keys.STATE_HOLD_WHY,
    keys.STATE_HOLD_AT,
    keys.STATE_HOLD_ACT,
)

log = logging.getLogger("darklaunch.comparator")


@dataclass(frozen=True, slots=True)
class RedisLaunchCopy:
    """A launch as Redis has it; revision −1: none. `act` is what the hold stands for, until that is recorded."""

    revision: int
    held: bool
    by: str
    why: str
    at: str
    act: str


class ControlSync:
    """Reconciles record and copy, launch by launch."""

    def __init__(self) -> None:
        self._awaited: dict[tuple[str, str], float] = {}
        self._overtaken: dict[str, tuple[int, int]] = {}
        self._troubles: dict[str, str] = {}

    def reconcile(self, connection: Connection[Any], redis: RedisClient) -> None:
        """Look at every recorded launch once. Launches that only Redis knows are left alone.

        Raises psycopg.Error and RedisError; a hash that is damaged is published over.
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
            name, trouble = record.state.name, ""
            try:
                if isinstance(reply, RedisError):
                    raise reply
                self._reconcile(connection, redis, record, _copy(reply))
            except ResponseError as refused:
                trouble = str(refused)
            if trouble and trouble != self._troubles.get(name):
                log.error("launch %s: its control state on Redis cannot be looked after: %s", name, trouble)
            self._troubles[name] = trouble

    def _reconcile(
        self, connection: Connection[Any], redis: RedisClient, record: LaunchRecord, copy: RedisLaunchCopy
    ) -> None:
        revision = record.state.revision
        if copy.revision > revision:
            self._tell_overtaken(record, copy)
        elif copy.revision < revision:
            if record.state.hold:
                _restore_hold(redis, record)
            lift = copy.revision >= 0 and copy.revision < record.lifted_revision
            crash_point("leader.publishing")
            if publish_launch(redis, record, lift_hold=lift):
                crash_point("leader.published")
                log.info("launch %s: published revision %d", record.state.name, revision)
        elif copy.held and _is_news(record, copy):
            if not self._leaves_to_judge(record, copy):
                _take_over(connection, redis, record, copy)
        elif copy.held and copy.act:
            call_script(redis, ScriptCall("mark_hold_recorded", (keys.launch(record.state.name),), (copy.at,)))
        elif record.state.hold and not copy.held and _restore_hold(redis, record):
            write_even_if_full(redis, "INCR", keys.REVISION)
            log.warning("launch %s: Redis had lost its hold; only `darklaunch resume` lifts one", record.state.name)

    def _leaves_to_judge(self, record: LaunchRecord, copy: RedisLaunchCopy) -> bool:
        """Say whether a rollback that a judge began and did not record is left to the one that leads now.

        It comes to the same decision from the same results, and records it with its verdict and evidence. If it does
        not within JUDGE_PATIENCE_S, as when results are gone, what the hold says is recorded.
        """
        if (copy.by, copy.act) != (ACTOR, "rolled_back"):
            return False
        began_s = self._awaited.setdefault((record.state.name, copy.at), time.monotonic())
        return time.monotonic() - began_s < JUDGE_RECORDS_WITHIN_S

    def _tell_overtaken(self, record: LaunchRecord, copy: RedisLaunchCopy) -> None:
        """Say so at the second look in a row: a change that is just being published looks the same at the first."""
        name = record.state.name
        revision, looks = self._overtaken.get(name, (copy.revision, 0))
        looks = looks + 1 if revision == copy.revision else 1
        self._overtaken[name] = copy.revision, looks
        if looks == 2:
            log.error(
                "launch %s: Redis carries revision %d, the record has only %d: another database publishes to this "
                "Redis, or this one was restored from a backup. Redis is left as it is until the launch is changed.",
                name,
                copy.revision,
                record.state.revision,
            )


def _copy(reply: list[bytes | None]) -> RedisLaunchCopy:
    revision, hold, *told = reply
    by, why, at, act = ((value or b"").decode(errors="replace") for value in told)
    number = int(revision) if revision is not None and revision.isdigit() and len(revision) <= 18 else -1
    return RedisLaunchCopy(number, is_held(hold), by, why, at, act)


def _is_news(record: LaunchRecord, copy: RedisLaunchCopy) -> bool:
    return not record.state.hold or (copy.act == "rolled_back" and record.state.status is not LaunchStatus.ROLLED_BACK)


def _take_over(connection: Connection[Any], redis: RedisClient, record: LaunchRecord, copy: RedisLaunchCopy) -> None:
    name = record.state.name
    rolled_back = copy.act == "rolled_back"
    act = LaunchAct(
        actor=copy.by or "unknown, on Redis",
        act="rolled_back" if rolled_back else "held",
        reason=copy.why or "the hold was set on Redis",
        at=_time(copy.at),
    )
    status = LaunchStatus.ROLLED_BACK if rolled_back else None
    try:
        taken = update_launch(connection, name, act, status=status, hold=True, only_at=record.state.revision)
    except LaunchChanged:
        return  # whoever changed it knew better; the next look decides anew
    crash_point("leader.hold_recorded")
    publish_launch(redis, taken, lift_hold=False)
    call_script(redis, ScriptCall("mark_hold_recorded", (keys.launch(name),), (copy.at,)))
    log.warning("launch %s: recorded the hold that %s set: %s", name, act.actor, act.reason)


def _restore_hold(redis: RedisClient, record: LaunchRecord) -> bool:
    arguments = (record.state.revision, "the record holds it")
    return bool(call_script(redis, ScriptCall("restore_hold", (keys.launch(record.state.name),), arguments)))


def _time(at_ms: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(at_ms) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
