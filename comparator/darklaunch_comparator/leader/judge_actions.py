"""What a judge does: record a verdict, roll back, raise the share, promote. Each is an event with all it rests on."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from darklaunch_shared.launch.spec import LaunchStatus
from darklaunch_shared.redis.client import RedisClient
from psycopg import Connection
from redis.exceptions import RedisError

from darklaunch_comparator.control.hold import set_hold
from darklaunch_comparator.control.publish import publish_launch
from darklaunch_comparator.judging.decision import JudgeDecision, JudgeMove, LaunchVerdict
from darklaunch_comparator.judging.launch_evidence import LaunchEvidence
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_comparator.judging.summary import snapshot
from darklaunch_comparator.store.launches import LaunchAct, LaunchRecord, record_launch_event, update_launch

ACTOR: Final = "judge"

log = logging.getLogger("darklaunch.comparator")


class JudgeActions:
    """Acts on one launch within the transaction in which it is judged. `done` is the launch after an act."""

    def __init__(
        self, connection: Connection[Any], redis: RedisClient, record: LaunchRecord, policy: JudgePolicy
    ) -> None:
        self.done: LaunchRecord | None = None
        self._connection, self._redis, self._record = connection, redis, record
        self._policy = policy

    def note(
        self, before: LaunchVerdict, decision: JudgeDecision, case: LaunchEvidence, about: Mapping[str, object]
    ) -> None:
        """Record that the verdict is another now."""
        data = {"was": before.value, **snapshot(case, decision, self._policy), **about}
        told = f"{decision.verdict.value.replace('_', ' ')}: {data['why']}"
        record_launch_event(self._connection, self._record, LaunchAct(ACTOR, "verdict", told, data=data))
        log.info("launch %s: %s", self._record.state.name, told)

    def make(self, decision: JudgeDecision, case: LaunchEvidence, about: Mapping[str, object]) -> None:
        """Make the move that a decision asks for. Raises LaunchMoved when the launch was changed meanwhile."""
        state = self._record.state
        data = {**snapshot(case, decision, self._policy), **about}
        changes: dict[str, Any]
        if decision.move is JudgeMove.ROLL_BACK:
            act, why = "rolled_back", str(data["why"])
            # At once; if the record fails, it is taken from there.
            set_hold(self._redis, state.name, ACTOR, why, act, only_at=state.revision)
            changes = {"status": LaunchStatus.ROLLED_BACK, "hold": True}
        elif decision.move is JudgeMove.RAISE:
            step = case.progress.step
            before, after = self._policy.steps[step], self._policy.steps[step + 1]
            act = "ramped"
            why = f"every rate is shown to be below its bound at {before.percent:g} %: on to {after.percent:g} %"
            changes = {"percent": after.percent}
        else:
            act, why = "promoted", str(data["why"])
            changes = {"status": LaunchStatus.PROMOTED}
        self.done = update_launch(
            self._connection, state.name, LaunchAct(ACTOR, act, why, data=data), only_at=state.revision, **changes
        )
        log.warning("launch %s: %s: %s", state.name, act.replace("_", " "), why)


def publish_if_possible(redis: RedisClient, record: LaunchRecord) -> None:
    """Publish what is recorded; if Redis is away, the mirror of control state does it later."""
    try:
        publish_launch(redis, record, lift_hold=False)
    except (RedisError, OSError) as error:
        log.warning("launch %s: recorded, but not published yet: %s", record.state.name, error)
